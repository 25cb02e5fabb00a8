//! The functions of relay.wit over isomer:device/gpio.

use std::sync::Mutex;

mod relay;
use relay::*;

struct Relay;
relay::export!(Relay);

const SECOND: u64 = 1_000_000_000;
const HOLD_S: u64 = 60;

/// When `set` was called last, by the device's clock that never goes back; none: the line is off and
/// nobody's.
static DRIVEN: Mutex<Option<u64>> = Mutex::new(None);

/// The line of the configuration, or the first output of the device.
fn line() -> Result<String, Problem> {
    if let Some(name) = config::get("line") {
        return Ok(name);
    }
    let all = gpio::list_lines();
    let first = all.into_iter().find(|one| one.direction == Direction::Output);
    first.map(|one| one.name).ok_or_else(|| Problem::Unknown("a line that is an output".into()))
}

fn hold() -> Result<u64, Problem> {
    match config::get("hold") {
        None => Ok(HOLD_S * SECOND),
        Some(text) => match text.parse::<u32>() {
            Ok(seconds) if seconds != 0 => Ok(u64::from(seconds) * SECOND),
            _ => Err(Problem::Invalid(format!("hold: '{text}' is no number of seconds above 0"))),
        },
    }
}

impl SwitchingExports for Relay {
    fn set(active: bool) -> Result<(), Problem> {
        hold()?; // a mistake in it is to be known before anything is on
        gpio::set(&line()?, active)?;
        *DRIVEN.lock().unwrap() = Some(clock::get_monotonic());
        Ok(())
    }

    fn watch() -> Result<bool, Problem> {
        let name = line()?;
        let hold = hold()?;
        let active = gpio::get(&name)?;
        let now = clock::get_monotonic();
        let mut driven = DRIVEN.lock().unwrap();
        // The time of before a move is another device's, and so may lie ahead. A line that is on
        // though nobody has called `set` yet is what an earlier life of this component left.
        let since = *driven.get_or_insert(now);
        if since > now {
            *driven = Some(now);
        }
        if !active || now.saturating_sub(since) < hold {
            return Ok(active);
        }
        gpio::set(&name, false)?;
        let seconds = hold / SECOND;
        log::write(Level::Warning, &format!("{name} is off: nobody has set it for {seconds} s"));
        events::emit("released", &format!("{{\"line\": \"{name}\", \"seconds\": {seconds}}}"))?;
        Ok(false)
    }
}
