//! `libcuda.switches`: how to make the driver fail like the real one.
//!
//! The file lies in the folder of the loaded library, since a host may clear the environment of the
//! process that loads it. It is TOML, read at the first call, and a mistake in it ends the process.
//!
//! ```toml
//! driver_version = 11040       # what cuDriverGetVersion says
//! devices = 2                  # 0: cuInit says that there is none
//! parts = true                 # each device is a part of one (MIG), with a UUID of its own
//! memory_bytes = 1073741824    # of each device
//! pools = false                # no device has memory pools
//! spinning = "refused"         # a call that would wait awake ends the process
//! launch_latency_us = 20       # how long every kernel takes before it begins
//! lost_after = 40              # after so many calls, of any kind, the device is gone
//! lost_code = 46               # and this is what every call says
//! exit_hangs = true            # the library's exit handler waits for a device that does not answer
//! trace = "calls"              # a file, seen from this folder, that gets a line for each call
//! fail = { call = "cuMemAlloc_v2", after = 3, times = 1, code = 2, sticky = true }
//! hang = { call = "cuCtxSynchronize", after = 1 }
//! exit = { call = "cuModuleLoadData" }
//! fail = { call = "cuDevicePrimaryCtxRetain", code = 100, opens = "/dev/node" }
//! lose = { call = "*", when = "gone" }
//! delay = { call = "cuModuleLoadDataEx", ms = 200 }
//! fault = { kernel = "saxpy", after = 1, code = 710 }
//! ```
//!
//! The last six may also be lists of such tables. `call` names a function, or `*` for all. `after`
//! is how many calls pass first (none, unless it says so), `times` how many then fail (all); `when`
//! names a file, seen from this folder, and calls count only while it is there; with `opens`, they
//! count only where the process can't open this file, as a driver can't work whose node is out of reach.
//! `exit` aborts the
//! process inside of the call; `lose` loses the device at that call; `delay` makes it slow; `fault`
//! ends a kernel that way, for errors that the interpreter does not produce.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::code::Code;
use crate::sync::lock;

/// The file's name.
pub const FILE: &str = "libcuda.switches";

/// What the file says.
pub(crate) struct Switches {
    pub(crate) driver_version: i32,
    pub(crate) devices: i32,
    pub(crate) parts: bool,
    pub(crate) memory_bytes: u64,
    pub(crate) pools: bool,
    pub(crate) may_spin: bool,
    pub(crate) launch_latency: Duration,
    pub(crate) lost_after: Option<u64>,
    pub(crate) lost_code: Code,
    trace: Option<Mutex<File>>,
    /// Calls that do not do what they should.
    pub(crate) rules: Vec<Rule>,
    /// Kernels that end with an error.
    pub(crate) faults: Vec<Rule>,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            driver_version: 12090,
            devices: 1,
            parts: false,
            memory_bytes: 8 << 30,
            pools: true,
            may_spin: true,
            launch_latency: Duration::ZERO,
            lost_after: None,
            lost_code: Code::DEVICE_UNAVAILABLE,
            trace: None,
            rules: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// One call, or one kernel, and what becomes of it.
pub(crate) struct Rule {
    call: String,
    pub(crate) act: Act,
    after: u64,
    times: u64,
    /// A file that must be there.
    when: Option<PathBuf>,
    /// A file that the process must not be able to open.
    opens: Option<PathBuf>,
    seen: AtomicU64,
}

#[derive(Clone, Copy)]
pub(crate) enum Act {
    Fail { code: Code, sticky: bool },
    Hang,
    Exit,
    Lose,
    Delay(Duration),
}

impl Rule {
    /// Counts a call, or a kernel, of this name, and says whether it is one of those that this is
    /// about.
    pub(crate) fn applies(&self, name: &str) -> bool {
        if self.call != name && self.call != "*" {
            return false;
        }
        if self.when.as_ref().is_some_and(|file| !file.exists()) {
            return false;
        }
        if self
            .opens
            .as_ref()
            .is_some_and(|file| File::open(file).is_ok())
        {
            return false;
        }
        let before = self.seen.fetch_add(1, Ordering::Relaxed);
        before >= self.after && before - self.after < self.times
    }
}

impl Switches {
    pub(crate) fn trace(&self, name: &str) {
        if let Some(file) = &self.trace {
            // One write a line: several processes may append to the file.
            let _ = lock(file).write_all(format!("{name}\n").as_bytes());
        }
    }
}

/// The switches, read when they are first asked for.
pub(crate) fn get() -> &'static Switches {
    static SWITCHES: OnceLock<Switches> = OnceLock::new();
    SWITCHES.get_or_init(|| {
        let Some(folder) = folder() else {
            return Switches::default();
        };
        let path = folder.join(FILE);
        let Ok(text) = std::fs::read_to_string(&path) else {
            return Switches::default();
        };
        parse(&text, &folder).unwrap_or_else(|mistake| {
            eprintln!("{}: {mistake}", path.display());
            std::process::abort()
        })
    })
}

/// The folder from which this library was loaded: that of the file which is mapped where our code
/// is.
fn folder() -> Option<PathBuf> {
    let here = folder as *const () as u64;
    let maps = std::fs::read("/proc/self/maps").ok()?;
    maps.split(|byte| *byte == b'\n').find_map(|line| {
        let text = String::from_utf8_lossy(line);
        let (start, end) = text.split_once(' ')?.0.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        if !(number(start)?..number(end)?).contains(&here) {
            return None;
        }
        let slash = line.iter().position(|byte| *byte == b'/')?;
        let path = PathBuf::from(OsString::from_vec(line.get(slash..)?.to_vec()));
        Some(path.parent()?.to_owned())
    })
}

type Mistake = String;

fn parse(text: &str, folder: &Path) -> Result<Switches, Mistake> {
    let table = DeTable::parse(text).map_err(|error| error.to_string())?;
    let mut switches = Switches::default();
    for (key, value) in table.get_ref() {
        let (key, value) = (key.get_ref().as_ref(), value.get_ref());
        match key {
            "driver_version" => switches.driver_version = number(key, value)?,
            "devices" => switches.devices = number(key, value)?,
            "parts" => switches.parts = value.as_bool().unwrap_or(false),
            "pools" => switches.pools = value.as_bool().unwrap_or(true),
            "spinning" => match value.as_str() {
                Some("refused") => switches.may_spin = false,
                _ => return Err("`spinning` can only be \"refused\"".to_owned()),
            },
            "memory_bytes" => switches.memory_bytes = number(key, value)?,
            "launch_latency_us" => {
                switches.launch_latency = Duration::from_micros(number(key, value)?);
            }
            "lost_after" => switches.lost_after = Some(number(key, value)?),
            "lost_code" => switches.lost_code = Code(number(key, value)?),
            "trace" => {
                let path = folder.join(value.as_str().ok_or("`trace` is no path")?);
                match File::options().append(true).create(true).open(&path) {
                    Ok(file) => switches.trace = Some(Mutex::new(file)),
                    // The process may have given up the right to write there, which is no mistake
                    // of the switches.
                    Err(error) => eprintln!("no calls are listed: {}: {error}", path.display()),
                }
            }
            "exit_hangs" if value.as_bool() == Some(true) => crate::exit::hang(),
            "fault" => rules(key, value, folder, &mut switches.faults)?,
            _ => rules(key, value, folder, &mut switches.rules)?,
        }
    }
    Ok(switches)
}

/// One rule, or a list of them.
fn rules(
    kind: &str,
    value: &DeValue<'_>,
    folder: &Path,
    to: &mut Vec<Rule>,
) -> Result<(), Mistake> {
    match value {
        DeValue::Array(items) => {
            for item in items.iter() {
                to.push(rule(kind, item.get_ref(), folder)?);
            }
        }
        _ => to.push(rule(kind, value, folder)?),
    }
    Ok(())
}

fn rule(kind: &str, value: &DeValue<'_>, folder: &Path) -> Result<Rule, Mistake> {
    let DeValue::Table(table) = value else {
        return Err(format!("there is no switch `{kind}` with such a value"));
    };
    let (mut call, mut after, mut times) = (None, 0, u64::MAX);
    let (mut when, mut opens) = (None, None);
    let (mut code, mut sticky, mut time) = (None, false, None);
    for (key, value) in table {
        let (key, value) = (key.get_ref().as_ref(), value.get_ref());
        match key {
            "call" | "kernel" => call = value.as_str().map(str::to_owned),
            "after" => after = number(key, value)?,
            "times" => times = number(key, value)?,
            "when" => when = value.as_str().map(|file| folder.join(file)),
            "opens" => opens = value.as_str().map(|file| folder.join(file)),
            "code" => code = Some(Code(number(key, value)?)),
            "sticky" => sticky = value.as_bool().unwrap_or(false),
            "ms" => time = Some(Duration::from_millis(number(key, value)?)),
            _ => return Err(format!("`{kind}` has no `{key}`")),
        }
    }
    let missing = |what: &str| format!("`{kind}` needs `{what}`");
    let act = match kind {
        "fail" | "fault" => Act::Fail {
            code: code.ok_or_else(|| missing("code"))?,
            sticky,
        },
        "hang" => Act::Hang,
        "exit" => Act::Exit,
        "lose" => Act::Lose,
        "delay" => Act::Delay(time.ok_or_else(|| missing("ms"))?),
        _ => return Err(format!("there is no switch `{kind}`")),
    };
    Ok(Rule {
        call: call.ok_or_else(|| missing("call"))?,
        act,
        after,
        times,
        when,
        opens,
        seen: AtomicU64::new(0),
    })
}

fn number<T: TryFrom<i64>>(key: &str, value: &DeValue<'_>) -> Result<T, Mistake> {
    let wrong = || format!("`{key}` is no number that fits");
    let DeValue::Integer(integer) = value else {
        return Err(wrong());
    };
    let whole = i64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| wrong())?;
    T::try_from(whole).map_err(|_| wrong())
}
