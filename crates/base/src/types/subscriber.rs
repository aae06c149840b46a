//! Subscribers: the networks by which requests are counted and limited.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address or an IPv6 /64: what shares a limit.
///
/// An IPv4 address is the smallest unit that can be rented, and a larger network would include
/// other customers of a carrier or colleagues in an office. One subscriber gets a /64 of IPv6 (RFC
/// 6177 §2); counting single addresses would give an attacker 2⁶⁴ attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscriber(Option<IpAddr>);

impl Subscriber {
    /// The subscriber with this address; `None` is the command line.
    pub fn from_address(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
            address @ IpAddr::V4(_) => address,
        }))
    }
}

/// A network that a subscriber is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// In the form `2001:db8::/48`.
    pub prefix: String,
    /// Its limit, as a multiple of a single subscriber's.
    pub share: u32,
}

impl Subscriber {
    /// The networks that contain it, the narrowest first. Sites get a /56 or /48 of IPv6 (RFC 6177
    /// §2) and could use a new /64 for each request. Wider networks have many users, so their limit
    /// is higher. An IPv4 address has no wider network.
    pub fn networks(&self) -> Vec<Network> {
        let Some(IpAddr::V6(address)) = self.0 else {
            return vec![Network { prefix: self.to_string(), share: 1 }];
        };
        let network = |(length, share): (u32, u32)| {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or_default();
            let base = Ipv6Addr::from_bits(address.to_bits() & mask);
            Network { prefix: format!("{base}/{length}"), share }
        };
        [(64, 1), (56, 2), (48, 4)].map(network).into()
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
            let [one, other] = [one, other].map(|text| Subscriber::from_address(text.parse().ok()));
            assert_eq!(one == other, shared, "{one} {other}");
            assert_eq!(one.to_string() == other.to_string(), shared, "{one} {other}");
        }
    }

    #[test]
    fn a_subscriber_of_ipv6_is_in_nested_networks_with_growing_limits() {
        let networks = |text: &str| {
            let of = Subscriber::from_address(text.parse().ok()).networks();
            of.into_iter().map(|network| (network.prefix, network.share)).collect::<Vec<_>>()
        };

        assert_eq!(
            networks("2001:db8:1:234::5"),
            [
                ("2001:db8:1:234::/64".to_owned(), 1),
                ("2001:db8:1:200::/56".to_owned(), 2),
                ("2001:db8:1::/48".to_owned(), 4)
            ]
        );
        assert_eq!(networks("192.0.2.1"), [("192.0.2.1".to_owned(), 1)]);
        assert_eq!(networks("::ffff:192.0.2.1"), [("192.0.2.1".to_owned(), 1)]);
    }
}
