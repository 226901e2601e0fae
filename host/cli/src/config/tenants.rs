//! The grants and limits of tenants, in the configuration file.
//!
//! `[tenants.7]` is for tenant 7. `[tenants.default]` is for every tenant without a table of
//! its own, and for the keys that a tenant's table leaves out. Keys in neither have the
//! values of the command's flags. The keys are declared as options of clap, so that they are
//! parsed, checked and documented like those of a command, though no command line has them.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Command, FromArgMatches};
use tensor_wasm_runtime::{Destination, Grant};

use super::table::Table;
use crate::values;

/// The table of the tenants that have none of their own.
pub const DEFAULT: &str = "default";

/// What one tenant may have. A limit that is `None` is the default tenant's, or else the
/// flag's.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantGrant {
    /// What the tenant is called in errors and records
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
    /// The memory that all instances of the tenant may have together
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub tenant_memory_bytes: Option<NonZeroU64>,
    /// The tenant's part of busy processors: one with 3 gets three times as much of their time
    /// as one with 1
    #[arg(long, value_name = "NUMBER")]
    pub cpu_share: Option<NonZeroU32>,
    /// The processors that the tenant's components may keep busy, on the average
    #[arg(long, value_name = "PROCESSORS", value_parser = processors)]
    pub tenant_cpu: Option<ProcessorThousandths>,
    /// Whether the tenant's components may use the GPU
    #[arg(long, value_name = "GRANT", value_parser = grant_parser())]
    pub gpu: Option<Grant>,
    /// The device memory that the tenant may hold
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub gpu_memory_bytes: Option<NonZeroU64>,
    /// The memory of the host that the tenant's loaded modules may take
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub gpu_host_memory_bytes: Option<NonZeroU64>,
    /// The modules that the tenant may have loaded at one time
    #[arg(long, value_name = "NUMBER")]
    pub gpu_modules: Option<NonZeroU32>,
    /// The queues that the tenant may have at one time
    #[arg(long, value_name = "NUMBER")]
    pub gpu_queues: Option<NonZeroU32>,
    /// The launches that may be queued or running at one time
    #[arg(long, value_name = "NUMBER")]
    pub gpu_launches_in_flight: Option<NonZeroU32>,
    /// How long one launch may run
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub kernel_timeout: Option<Duration>,
    /// The launches that the tenant may begin in one second
    #[arg(long, value_name = "NUMBER")]
    pub gpu_launches_per_second: Option<NonZeroU32>,
    /// The tenant's part of a busy device: one with 3 gets three times as much of it
    /// as one with 1
    #[arg(long, value_name = "NUMBER")]
    pub gpu_share: Option<NonZeroU32>,
    /// A server that the tenant's components may send HTTP requests to; with an empty list
    /// there is none
    #[arg(long, value_name = "HOST[:PORT]")]
    pub allow_http: Option<Vec<Destination>>,
}

/// Reads a grant, and lists the choices for help.
fn grant_parser() -> impl TypedValueParser<Value = Grant> {
    let choices = Grant::ALL.map(|grant| {
        PossibleValue::new(grant.word()).help(match grant {
            Grant::Granted(()) => "They may",
            Grant::Denied => {
                "Each of their calls answers that it is denied, so that they can do without"
            }
            Grant::Refused => "A component that asks for the GPU is not loaded",
        })
    });
    PossibleValuesParser::new(choices).try_map(|word| word.parse::<Grant>())
}

/// What every tenant may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenants {
    /// The tenants that have no table of their own.
    pub default: TenantGrant,
    /// Those that have one, as it says and without what they take from the default.
    pub by_id: BTreeMap<u64, TenantGrant>,
}

impl Tenants {
    /// The servers that tenants may send requests to, by tenant; first those of the default.
    pub fn outgoing(&self) -> Vec<(Option<u64>, &[Destination])> {
        let listed = self.by_id.iter().map(|(id, own)| (Some(*id), own));
        let all = [(None, &self.default)].into_iter().chain(listed);
        all.filter_map(|(id, own)| Some((id, own.allow_http.as_deref()?)))
            .collect()
    }

    /// All but the servers that they may send requests to.
    pub fn without_outgoing(&self) -> Tenants {
        let without = |own: &TenantGrant| TenantGrant {
            allow_http: None,
            ..own.clone()
        };
        let listed = self.by_id.iter();
        Tenants {
            default: without(&self.default),
            by_id: listed.map(|(id, own)| (*id, without(own))).collect(),
        }
    }

    /// What a tenant may have: as its own table says, else as the default's does.
    pub fn of(&self, tenant: u64) -> TenantGrant {
        let (own, default) = (self.by_id.get(&tenant).cloned(), &self.default);
        let own = own.unwrap_or_default();
        TenantGrant {
            name: own.name,
            tenant_memory_bytes: own.tenant_memory_bytes.or(default.tenant_memory_bytes),
            cpu_share: own.cpu_share.or(default.cpu_share),
            tenant_cpu: own.tenant_cpu.or(default.tenant_cpu),
            gpu: own.gpu.or(default.gpu),
            gpu_memory_bytes: own.gpu_memory_bytes.or(default.gpu_memory_bytes),
            gpu_host_memory_bytes: own.gpu_host_memory_bytes.or(default.gpu_host_memory_bytes),
            gpu_modules: own.gpu_modules.or(default.gpu_modules),
            gpu_queues: own.gpu_queues.or(default.gpu_queues),
            gpu_launches_in_flight: own
                .gpu_launches_in_flight
                .or(default.gpu_launches_in_flight),
            kernel_timeout: own.kernel_timeout.or(default.kernel_timeout),
            gpu_launches_per_second: own
                .gpu_launches_per_second
                .or(default.gpu_launches_per_second),
            gpu_share: own.gpu_share.or(default.gpu_share),
            allow_http: own.allow_http.or(default.allow_http.clone()),
        }
    }
}

impl TenantGrant {
    /// The keys of a tenant's table.
    pub fn table() -> Table {
        let mut command = Self::command();
        command.build();
        Table::of(&command)
    }

    fn command() -> Command {
        Self::augment_args(Command::new("tenant").no_binary_name(true))
    }

    /// The grant that these keys make, each with a value that was checked.
    ///
    /// # Errors
    ///
    /// Where they conflict.
    pub fn from_values(values: &BTreeMap<String, Vec<String>>) -> Result<Self, clap::Error> {
        let arguments = values.iter().flat_map(|(name, values)| {
            let argument = move |value| format!("--{name}={value}");
            values.iter().map(argument)
        });
        let matches = Self::command().try_get_matches_from(arguments)?;
        let mut grant = Self::from_arg_matches(&matches)?;
        // Of no server, which no argument can say.
        if values.get("allow-http").is_some_and(Vec::is_empty) {
            grant.allow_http = Some(Vec::new());
        }
        Ok(grant)
    }

    /// Each key with its value as text, as the file could have it.
    pub fn in_words(&self) -> Vec<(&'static str, Option<String>)> {
        fn words(value: &Option<impl ToString>) -> Option<String> {
            value.as_ref().map(ToString::to_string)
        }
        let tenant_memory = self.tenant_memory_bytes.map(exact_size);
        let memory = self.gpu_memory_bytes.map(exact_size);
        let host_memory = self.gpu_host_memory_bytes.map(exact_size);
        vec![
            ("name", self.name.clone()),
            ("tenant-memory-bytes", words(&tenant_memory)),
            ("cpu-share", words(&self.cpu_share)),
            ("tenant-cpu", words(&self.tenant_cpu)),
            ("gpu", words(&self.gpu)),
            ("gpu-memory-bytes", words(&memory)),
            ("gpu-host-memory-bytes", words(&host_memory)),
            ("gpu-modules", words(&self.gpu_modules)),
            ("gpu-queues", words(&self.gpu_queues)),
            (
                "gpu-launches-in-flight",
                words(&self.gpu_launches_in_flight),
            ),
            (
                "kernel-timeout",
                words(&self.kernel_timeout.map(humantime::format_duration)),
            ),
            (
                "gpu-launches-per-second",
                words(&self.gpu_launches_per_second),
            ),
            ("gpu-share", words(&self.gpu_share)),
            ("allow-http", self.allow_http.as_deref().map(in_a_list)),
        ]
    }
}

/// Servers, or that there is none.
fn in_a_list(servers: &[Destination]) -> String {
    let names: Vec<String> = servers.iter().map(ToString::to_string).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

/// A tenant's id, in the only form that is accepted, since it is used as a name.
pub fn id(text: &str) -> Option<u64> {
    text.parse().ok().filter(|id: &u64| id.to_string() == text)
}

/// A size in the largest unit without a remainder.
fn exact_size(size: NonZeroU64) -> String {
    let size = size.get();
    ["GiB", "MiB", "KiB"]
        .into_iter()
        .zip([30, 20, 10])
        .find(|(_, bits)| size.trailing_zeros() >= *bits)
        .map_or_else(
            || size.to_string(),
            |(unit, bits)| format!("{}{unit}", size >> bits),
        )
}

/// Processors, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorThousandths(pub NonZeroU32);

impl fmt::Display for ProcessorThousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&values::processors_in_words(self.0.get()))
    }
}

fn processors(text: &str) -> Result<ProcessorThousandths, String> {
    let number = NonZeroU32::new(values::processors(text)?);
    number
        .map(ProcessorThousandths)
        .ok_or_else(|| "it has to be more than nothing".to_owned())
}

fn bytes(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(values::bytes(text)?).ok_or_else(|| "it has to be more than nothing".to_owned())
}

/// Names stand in records and error texts, on one line.
fn name(text: &str) -> Result<String, String> {
    const LONGEST: usize = 64;
    if text.trim().is_empty() || text.trim() != text {
        return Err("write a name, without blanks around it".to_owned());
    }
    if text.chars().any(char::is_control) || text.chars().count() > LONGEST {
        return Err(format!(
            "write up to {LONGEST} letters, none of them a control character"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn what_a_tenants_table_leaves_out_is_the_defaults() {
        let tenants = Tenants {
            default: TenantGrant {
                gpu: Some(Grant::Granted(())),
                gpu_share: NonZeroU32::new(2),
                ..TenantGrant::default()
            },
            by_id: BTreeMap::from([(
                7,
                TenantGrant {
                    name: Some("acme".to_owned()),
                    gpu: Some(Grant::Denied),
                    ..TenantGrant::default()
                },
            )]),
        };
        let seven = tenants.of(7);
        assert_eq!(seven.name.as_deref(), Some("acme"));
        assert_eq!(seven.gpu, Some(Grant::Denied));
        assert_eq!(seven.gpu_share, NonZeroU32::new(2));
        assert_eq!(seven.gpu_queues, None);
        assert_eq!(tenants.of(8), tenants.default);
    }

    #[test]
    fn a_grant_as_text_has_its_keys_in_order_and_parses_to_the_same_grant() {
        let values = [
            ("name", "acme"),
            ("tenant-memory-bytes", "512MiB"),
            ("cpu-share", "2"),
            ("tenant-cpu", "0.5"),
            ("gpu", "refuse"),
            ("gpu-memory-bytes", "1GiB"),
            ("gpu-modules", "8"),
            ("gpu-host-memory-bytes", "64MiB"),
            ("gpu-queues", "4"),
            ("gpu-launches-in-flight", "64"),
            ("kernel-timeout", "2s"),
            ("gpu-launches-per-second", "100"),
            ("gpu-share", "3"),
            ("allow-http", "api.example:8443"),
        ];
        let of = |values: Vec<(&str, String)>| {
            let values = values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), vec![value]));
            TenantGrant::from_values(&values.collect()).unwrap()
        };
        let grant = of(values.map(|(name, value)| (name, value.to_owned())).into());
        assert_eq!(grant.gpu_memory_bytes, NonZeroU64::new(1 << 30));
        let words: Vec<(&str, String)> = grant
            .in_words()
            .into_iter()
            .map(|(name, value)| (name, value.unwrap()))
            .collect();
        let table = TenantGrant::table();
        let names: Vec<&str> = table.iter().map(|key| key.name.as_str()).collect();
        let told: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, told);
        assert_eq!(of(words), grant);
    }

    #[test]
    fn an_empty_list_of_servers_is_none_and_not_the_defaults() {
        let of = |values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            let values = BTreeMap::from([("allow-http".to_owned(), values)]);
            TenantGrant::from_values(&values).unwrap()
        };
        let tenants = Tenants {
            default: of(&["a.example", "b.example:81"]),
            by_id: BTreeMap::from([(7, of(&[])), (8, TenantGrant::default())]),
        };
        assert_eq!(tenants.of(7).allow_http, Some(Vec::new()));
        let shown = tenants.of(8).in_words().pop().unwrap();
        assert_eq!(shown.1.as_deref(), Some("a.example, b.example:81"));
        let shown = tenants.of(7).in_words().pop().unwrap();
        assert_eq!(shown, ("allow-http", Some("none".to_owned())));
    }

    #[test]
    fn sizes_are_shown_exactly() {
        let told = |size| exact_size(NonZeroU64::new(size).unwrap());
        assert_eq!(told(1 << 30), "1GiB");
        assert_eq!(told(3 << 20), "3MiB");
        assert_eq!(told((1 << 30) + 1), "1073741825");
    }

    #[test]
    fn an_id_is_a_number_in_its_only_form() {
        assert_eq!(id("0"), Some(0));
        assert_eq!(id("18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "07", "+7", "-1", "7 ", "acme", "18446744073709551616"] {
            assert_eq!(id(wrong), None, "{wrong:?}");
        }
    }
}
