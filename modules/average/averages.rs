//! The functions of average.wit. As a service it keeps what it has heard, also when it moves.

use std::sync::Mutex;

mod average;
use average::*;

struct Average;
average::export!(Average);

const SECOND: u64 = 1_000_000_000;
/// Points of a line: five minutes of one a second.
const POINTS_MAX: usize = 300;
const PLACES_MAX: usize = 16;

struct Heard {
    places: Vec<Series>,
    mean: Series,
    alarm: bool,
}

static HEARD: Mutex<Heard> = Mutex::new(Heard {
    places: Vec::new(),
    mean: Series { name: String::new(), points: Vec::new() },
    alarm: false,
});

struct Settings {
    limit: Option<f64>,
    hysteresis: f64,
    forget: u64,
}

/// A number of the configuration; none where it has no such key.
fn number(key: &str) -> Result<Option<f64>, String> {
    match config::get(key) {
        None => Ok(None),
        Some(text) => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(format!("configuration '{key}' must be a number, not '{text}'")),
        },
    }
}

fn settings() -> Result<Settings, String> {
    let hysteresis = number("hysteresis")?.unwrap_or(1.0);
    let forget = number("forget")?.unwrap_or(15.0);
    if hysteresis < 0.0 || !(1.0..=86400.0).contains(&forget) {
        return Err("configuration: 'hysteresis' is 0 or more, 'forget' 1 to 86400 seconds".into());
    }
    Ok(Settings { limit: number("limit")?, hysteresis, forget: (forget * SECOND as f64) as u64 })
}

fn put(points: &mut Vec<Point>, time: u64, value: f64) {
    if points.len() == POINTS_MAX {
        points.remove(0);
    }
    points.push(Point { time, value });
}

impl Heard {
    /// Places that were heard of lately, with their newest values.
    fn present(&self, time: u64, forget: u64) -> Vec<(&str, f64)> {
        let newest = self.places.iter().filter_map(|one| Some((one, one.points.last()?)));
        let heard = newest.filter(|(_, last)| time.saturating_sub(last.time) <= forget);
        heard.map(|(one, last)| (one.name.as_str(), last.value)).collect()
    }

    /// The mean of now. It has a point a second, however many places there are.
    fn update(&mut self, time: u64, forget: u64) -> f64 {
        let present = self.present(time, forget);
        let mean = present.iter().map(|(_, value)| value).sum::<f64>() / present.len() as f64;
        match self.mean.points.last_mut() {
            Some(last) if time < last.time.saturating_add(SECOND * 9 / 10) => last.value = mean,
            _ => put(&mut self.mean.points, time, mean),
        }
        mean
    }

    /// Tells of an alarm that begins or ends.
    fn warn(&mut self, mean: f64, time: u64, settings: &Settings) {
        let limit = match settings.limit {
            Some(limit) => limit,
            None => return,
        };
        let alarm = mean > if self.alarm { limit - settings.hysteresis } else { limit };
        if alarm == self.alarm {
            return;
        }
        self.alarm = alarm;
        let places: Vec<String> = self.present(time, settings.forget).iter()
            .map(|(name, value)| format!("{}: {value:.1}", quoted(name))).collect();
        let payload = format!("{{\"on\": {alarm}, \"mean\": {mean:.2}, \"limit\": {limit}, \"places\": {{{}}}}}",
            places.join(", "));
        let (level, text) = if alarm {
            (Level::Warning, format!("alarm: the mean is {mean:.1} °C, above {limit} °C"))
        } else {
            (Level::Info, format!("the alarm is over: the mean is {mean:.1} °C"))
        };
        log::write(level, &text);
        if let Err(problem) = events::emit("alarm", &payload) {
            log::write(Level::Error, &format!("the event could not be sent: {problem:?}"));
        }
    }
}

/// A text in JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\""
}

fn copy(series: &Series, name: &str) -> Series {
    let points = series.points.iter().map(|p| Point { time: p.time, value: p.value }).collect();
    Series { name: name.into(), points }
}

impl AveragingExports for Average {
    fn add(place: String, reading: Temperature) -> Result<f64, String> {
        let settings = settings()?;
        let mut heard = HEARD.lock().unwrap();
        if !reading.celsius.is_finite() {
            return Err(format!("the reading of {place} is no number"));
        }
        let known = heard.places.iter().position(|one| one.name == place);
        let at = match known {
            Some(at) => at,
            None if heard.places.len() == PLACES_MAX => {
                return Err(format!("{place} would be one place too many: there are {PLACES_MAX}"));
            }
            None => {
                heard.places.push(Series { name: place, points: Vec::new() });
                heard.places.len() - 1
            }
        };
        put(&mut heard.places[at].points, reading.time, reading.celsius);
        let mean = heard.update(reading.time, settings.forget);
        heard.warn(mean, reading.time, &settings);
        Ok(mean)
    }

    fn get_mean() -> Option<f64> {
        HEARD.lock().unwrap().mean.points.last().map(|point| point.value)
    }

    fn get_chart() -> Chart {
        let heard = HEARD.lock().unwrap();
        let mut lines = vec![copy(&heard.mean, "mean")];
        lines.extend(heard.places.iter().map(|one| copy(one, &one.name)));
        Chart {
            title: "Temperature".into(),
            unit: "°C".into(),
            lines,
            limit: settings().ok().and_then(|settings| settings.limit),
            alarm: heard.alarm,
        }
    }
}
