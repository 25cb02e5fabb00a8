// The functions of thermostat.wit.
import { Level, OptionF64, ResultBoolString, ResultStateString, State, Temperature, configGet, eventsEmit,
    logWrite } from "./thermostat";

const SECOND: f64 = 1e9;

// What a service keeps, also when it moves.
let heating = false;
let changed: u64 = 0; // time of the latest change; 0: none yet
let seen = false;
let celsius: f64 = NaN;

// NaN: it is no number, or not only one.
function number(text: string): f64 {
    for (let i = 0; i < text.length; i++) {
        if (!"0123456789.-".includes(text.charAt(i))) {
            return NaN;
        }
    }
    return parseFloat(text);
}

// What the configuration says, and what is wrong with it.
class Settings {
    target: f64 = NaN;
    half: f64 = 0;
    minimumOn: f64 = 0;
    minimumOff: f64 = 0;
    mistake: string = "";

    constructor() {
        this.target = this.read("target", NaN, -100, 1000);
        this.half = this.read("hysteresis", 1, 0, 100) / 2;
        this.minimumOn = this.read("minimum-on", 60, 0, 86400);
        this.minimumOff = this.read("minimum-off", 60, 0, 86400);
    }

    private read(key: string, otherwise: f64, least: f64, most: f64): f64 {
        const text = configGet(key);
        const value = text.isSome ? number(text.value) : otherwise;
        if (!(value >= least && value <= most)) { // not a number is neither
            this.mistake = "configuration '" + key + "' must be a number of " + least.toString() + " to " +
                most.toString() + (text.isSome ? ", not '" + text.value + "'" : "; it is missing");
        }
        return value;
    }
}

function rounded(value: f64): string {
    const tenths = <i64>Math.round(Math.abs(value) * 10);
    return (value < 0 ? "-" : "") + (tenths / 10).toString() + "." + (tenths % 10).toString();
}

function change(to: bool, time: u64, target: f64): void {
    heating = to;
    changed = time;
    eventsEmit("heating", '{"on": ' + to.toString() + ', "celsius": ' + rounded(celsius) + ', "target": ' +
        rounded(target) + "}");
    logWrite(Level.INFO, (to ? "heating: " : "no heating: ") + rounded(celsius) + " °C, wanted are " +
        rounded(target) + " °C");
}

export function ruleDecide(reading: Temperature): ResultBoolString {
    const settings = new Settings();
    if (settings.mistake != "") {
        return ResultBoolString.err(settings.mistake);
    }
    if (!isFinite(reading.celsius)) {
        return ResultBoolString.err("the temperature is no number");
    }
    celsius = reading.celsius;
    seen = true;
    // A clock that was set back must not make it wait for ever.
    const elapsed: f64 = reading.time < changed ? Infinity : <f64>(reading.time - changed) / SECOND;
    const wanted = celsius < settings.target - settings.half ? true
        : celsius > settings.target + settings.half ? false : heating;
    if (wanted != heating && (changed == 0 || elapsed >= (heating ? settings.minimumOn : settings.minimumOff))) {
        change(wanted, reading.time, settings.target);
    }
    return ResultBoolString.ok(heating);
}

export function ruleGetState(): ResultStateString {
    const settings = new Settings();
    if (settings.mistake != "") {
        return ResultStateString.err(settings.mistake);
    }
    return ResultStateString.ok(new State(heating, seen ? OptionF64.some(celsius) : OptionF64.none(),
        settings.target));
}
