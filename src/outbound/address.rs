//! Addresses, ports and URLs that outgoing requests may use (THREATS §1.S).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::OutboundError;

/// Schemes that a fetch may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// https only.
    Tls,
    /// Also http: the response carries its own signature.
    Any,
}

/// Whether a URL may be fetched, by its text. The addresses of its name are checked when it
/// is resolved.
pub(super) fn check(
    url: &Url,
    over: Over,
    allow_private_networks: bool,
) -> Result<(), OutboundError> {
    use OutboundError::Forbidden;

    match url.scheme() {
        "https" => {}
        "http" if allow_private_networks || over == Over::Any => {}
        _ => return Err(Forbidden("only https URLs are fetched")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Forbidden("a URL with a user name or a password is not fetched"));
    }
    let Some(host) = url.host() else {
        return Err(Forbidden("a URL without a host is not fetched"));
    };
    if allow_private_networks {
        return Ok(());
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if !is_web_port(port) && (over, port) != (Over::Any, 80) {
        return Err(Forbidden("nothing is fetched from this port"));
    }
    // The URL parser has normalized all spellings of an address: 127.1, 0x7f.1, 2130706433,
    // full-width digits and dots.
    let public = match host {
        Host::Ipv4(address) => is_public(address.into()),
        Host::Ipv6(address) => is_public(address.into()),
        // RFC 6761 §6.3, whatever DNS returns.
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name != "localhost" && !name.ends_with(".localhost")
        }
    };
    if public { Ok(()) } else { Err(Forbidden("nothing is fetched from a private address")) }
}

/// 443, and ports that any web server may use; not those of other services, which might interpret a
/// request in their protocol.
fn is_web_port(port: u16) -> bool {
    const OTHERS: &[u16] = &[
        1433, 1521, 1719, 1720, 1723, 2049, 2375, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060,
        5061, 5432, 5672, 5984, 6000, 6379, 6380, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
        9042, 9092, 10_080, 10_250, 11_211, 27_017,
    ];
    port == 443 || (port >= 1024 && !OTHERS.contains(&port))
}

/// Whether an address is public: not in the IANA special-purpose registries (RFC 6890), not
/// multicast, and not unassigned.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    const SPECIAL: &[([u8; 4], u32)] = &[
        ([0, 0, 0, 0], 8),       // this network (RFC 791 §3.2)
        ([10, 0, 0, 0], 8),      // private (RFC 1918)
        ([100, 64, 0, 0], 10),   // shared by carriers (RFC 6598)
        ([127, 0, 0, 0], 8),     // loopback (RFC 1122 §3.2.1.3)
        ([169, 254, 0, 0], 16),  // link-local (RFC 3927), and the metadata of clouds
        ([172, 16, 0, 0], 12),   // private (RFC 1918)
        ([192, 0, 0, 0], 24),    // protocol assignments (RFC 6890)
        ([192, 0, 2, 0], 24),    // documentation (RFC 5737)
        ([192, 88, 99, 0], 24),  // 6to4 relays (RFC 7526)
        ([192, 168, 0, 0], 16),  // private (RFC 1918)
        ([198, 18, 0, 0], 15),   // benchmarks (RFC 2544)
        ([198, 51, 100, 0], 24), // documentation (RFC 5737)
        ([203, 0, 113, 0], 24),  // documentation (RFC 5737)
        ([224, 0, 0, 0], 3),     // multicast (RFC 5771), reserved (RFC 1112), broadcast
    ];
    !SPECIAL.iter().any(|(network, length)| {
        (address.to_bits() ^ Ipv4Addr::from(*network).to_bits()) >> (32 - length) == 0
    })
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    const GLOBAL_UNICAST: (u128, u32) = (0x2000 << 112, 3);
    const SPECIAL: &[(u128, u32)] = &[
        (0x2001 << 112, 23),     // protocol assignments, Teredo, ORCHID (RFC 2928)
        (0x2001_0db8 << 96, 32), // documentation (RFC 3849)
        (0x2002 << 112, 16),     // 6to4: an IPv4 address in disguise (RFC 3056)
        (0x3fff << 112, 20),     // documentation (RFC 9637)
    ];
    const NAT64: (u128, u32) = (0x0064_ff9b << 96, 96);

    let bits = address.to_bits();
    let within = |(network, length): (u128, u32)| (bits ^ network) >> (128 - length) == 0;
    if within(NAT64) {
        // RFC 6052 §2.1: networks without IPv4 reach public addresses this way.
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Everything but global unicast is special: loopback, mapped IPv4, unique local, link-local,
    // multicast.
    within(GLOBAL_UNICAST) && !SPECIAL.iter().any(|network| within(*network))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for address in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.0.0.1",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700::1111",
            "2a00::1",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
