//! Who is behind an address, for everything that is counted by where it comes from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// One IPv4 address, one IPv6 /64: what shares a limit.
///
/// An IPv4 address is the least that can be rented, and a wider net would catch the neighbours of an
/// office or a carrier. A /64 is what one subscriber gets of IPv6 (RFC 6177 §2): whoever counted single
/// addresses there would give an attacker 2⁶⁴ beginnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscriber(Option<IpAddr>);

impl Subscriber {
    /// Whoever has this address; `None` is the command line.
    pub fn of(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
            address @ IpAddr::V4(_) => address,
        }))
    }
}

impl fmt::Display for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(IpAddr::V4(address)) => write!(f, "{address}"),
            Some(IpAddr::V6(address)) => write!(f, "{address}/64"),
            None => f.write_str("local"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_an_address_or_a_64() {
        for (one, other, shared) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            let [one, other] = [one, other].map(|text| Subscriber::of(text.parse().ok()));
            assert_eq!(one == other, shared, "{one} {other}");
            assert_eq!(one.to_string() == other.to_string(), shared, "{one} {other}");
        }
    }
}
