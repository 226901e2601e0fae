//! Which addresses the name of a server may lead to, as a guard against requests that are forged
//! by way of a name (server-side request forgery, CWE-918, and DNS rebinding).
//!
//! Whoever answers for a name in DNS decides where it leads, at each connection anew. So a grant
//! of a name is no grant of this machine, of its link, or of what hands out the credentials of a
//! cloud's machine: a grant has to name such an address itself, or `localhost`. What is checked
//! is the address that is connected to, and not an earlier answer of DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where clouds hand out credentials to their machines, outside of the link-local addresses.
const METADATA_V4: [Ipv4Addr; 3] = [
    // Alibaba Cloud
    Ipv4Addr::new(100, 100, 100, 200),
    // Azure's platform
    Ipv4Addr::new(168, 63, 129, 16),
    // Oracle Cloud
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    // AWS
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    // Google Cloud
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// Which addresses the name of a server may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those of a guest's request, as this file says.
    OfGuest,
    /// Any: the host itself asks, where its operator said.
    Any,
}

impl Reach {
    /// Whether a request to this host may go to this address. The host is as in a URL, without
    /// the brackets of an IPv6 address.
    pub(super) fn allows(self, host: &str, address: IpAddr) -> bool {
        self == Reach::Any || may_lead_to(host, address)
    }
}

/// What an address is that no name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    /// This machine.
    Loopback,
    /// The link, a group of machines, metadata of a cloud, or no address at all.
    Other,
}

/// Whether a guest's request to a host that was granted may go to this address.
fn may_lead_to(host: &str, address: IpAddr) -> bool {
    let Some(special) = special(address) else {
        return true;
    };
    match host.parse::<IpAddr>() {
        Ok(named) => named.to_canonical() == address.to_canonical(),
        Err(_) => special == Special::Loopback && is_localhost(host),
    }
}

/// Whether the name is one of this machine by definition (RFC 6761, section 6.3).
fn is_localhost(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

fn special(address: IpAddr) -> Option<Special> {
    match address.to_canonical() {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<Special> {
    // Linux takes 0.0.0.0 for this machine. No name leads to any address of that network.
    let is_other = address.octets()[0] == 0
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || METADATA_V4.contains(&address);
    match address.is_loopback() {
        true => Some(Special::Loopback),
        false => is_other.then_some(Special::Other),
    }
}

fn special_v6(address: Ipv6Addr) -> Option<Special> {
    if address.is_loopback() {
        return Some(Special::Loopback);
    }
    let is_other = address.is_unspecified()
        || address.is_unicast_link_local()
        || address.is_multicast()
        || METADATA_V6.contains(&address);
    let is_embedded = || embedded(address).and_then(special_v4).is_some();
    (is_other || is_embedded()).then_some(Special::Other)
}

/// The IPv4 address that a gateway makes of an IPv6 address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match [a, b, c, d, e, f] {
        // Compatible with IPv4 (RFC 4291, section 2.5.5.1), and NAT64 (RFC 6052, RFC 8215).
        [0, 0, 0, 0, 0, 0] | [0x64, 0xff9b, 0, 0, 0, 0] | [0x64, 0xff9b, 1, ..] => Some(of(g, h)),
        // 6to4 (RFC 3056)
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn allowed(host: &str, address: &str) -> bool {
        may_lead_to(host, address.parse().unwrap())
    }

    #[test]
    fn a_name_leads_to_no_address_of_this_machine_its_link_or_a_clouds_metadata() {
        for address in [
            "127.0.0.1",
            "127.255.0.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
            "168.63.129.16",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
        ] {
            assert!(!allowed("api.example", address), "{address}");
            assert!(!allowed("localhost.example", address), "{address}");
        }
        for address in [
            "192.0.2.7",
            "10.0.0.1",
            "2001:db8::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(allowed("api.example", address), "{address}");
        }
    }

    #[test]
    fn a_grant_that_names_an_address_leads_to_this_one_alone() {
        assert!(allowed("127.0.0.1", "127.0.0.1"));
        assert!(allowed("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(allowed("169.254.169.254", "169.254.169.254"));
        assert!(allowed("::1", "::1"));
        assert!(!allowed("127.0.0.1", "127.0.0.2"));
        // Not an address to whoever reads a grant, but one to the system's resolver.
        assert!(!allowed("127.1", "127.0.0.1"));
        assert!(!allowed("2130706433", "127.0.0.1"));
    }

    #[test]
    fn the_host_itself_may_ask_whom_it_likes() {
        let address = "127.0.0.1".parse().unwrap();
        assert!(Reach::Any.allows("collector", address));
        assert!(!Reach::OfGuest.allows("collector", address));
    }

    #[test]
    fn localhost_is_this_machine_and_nothing_else() {
        for host in ["localhost", "LOCALHOST", "a.localhost"] {
            assert!(allowed(host, "127.0.0.1") && allowed(host, "::1"), "{host}");
            assert!(!allowed(host, "169.254.169.254"), "{host}");
            assert!(!allowed(host, "0.0.0.0"), "{host}");
        }
    }
}
