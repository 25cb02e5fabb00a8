//! The function of thermometer.wit over isomer:device/sensor.

mod thermometer;
use thermometer::*;

struct Thermometer;
thermometer::export!(Thermometer);

/// The sensor of the configuration, or the first one of the device that measures temperatures.
fn name() -> Result<String, Problem> {
    if let Some(name) = config::get("sensor") {
        return Ok(name);
    }
    let all = sensor::list_sensors();
    let first = all.into_iter().find(|one| one.unit == "°C");
    first.map(|one| one.name).ok_or_else(|| Problem::Unknown("a sensor whose unit is °C".into()))
}

impl MeasuringExports for Thermometer {
    fn measure() -> Result<Temperature, Problem> {
        let read = sensor::read(&name()?)?;
        if read.unit != "°C" {
            let text = format!("sensor {} measures in '{}', not in °C", read.name, read.unit);
            return Err(Problem::Invalid(text));
        }
        Ok(Temperature { sensor: read.name, celsius: read.value, time: read.time })
    }
}
