//! Ranges of IP addresses.

use std::fmt;
use std::net::IpAddr;

use serde_json::json;
use toml_edit::Value as Toml;

use super::value::{InvalidValue, RawValue, Value};

/// A range of addresses (RFC 4632): `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The range of `prefix` bits around `address`; `None` for more bits than an address has.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let all = Self { address, prefix };
        (prefix <= all.width()).then(|| Self { address: all.first(), prefix })
    }

    /// Whether it contains `address`. An IPv4-mapped IPv6 address is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && Self { address, prefix: self.prefix }.first() == self.address
    }

    /// Whether it contains every address.
    pub fn covers_all(&self) -> bool {
        self.prefix == 0
    }

    const fn width(&self) -> u8 {
        if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// The address without the bits after the prefix.
    fn first(&self) -> IpAddr {
        let rest = u32::from(self.width().saturating_sub(self.prefix));
        match self.address {
            IpAddr::V4(v4) => {
                IpAddr::from((v4.to_bits() & u32::MAX.checked_shl(rest).unwrap_or(0)).to_be_bytes())
            }
            IpAddr::V6(v6) => IpAddr::from(
                (v6.to_bits() & u128::MAX.checked_shl(rest).unwrap_or(0)).to_be_bytes(),
            ),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Value for Network {
    const FORM: &'static str = "an IP address or a range such as \"10.0.0.0/8\"";

    fn read(raw: &RawValue<'_>) -> Result<Self, InvalidValue> {
        let text = raw.text()?;
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address
            .parse()
            .map_err(|_| InvalidValue::from("is not an IP address or a range of them"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(width), str::parse);
        let range = prefix.ok().and_then(|prefix| Self::new(address, prefix));
        let range =
            range.ok_or_else(|| InvalidValue::from("has a prefix longer than an address"))?;
        if range.address != address {
            return Err(InvalidValue::with_remedy(
                "has bits set after its prefix",
                format!("write \"{range}\", or \"{address}\" for the one address"),
            ));
        }
        Ok(range)
    }

    fn show(&self) -> Option<Toml> {
        Some(self.to_string().into())
    }

    fn schema(_: Option<(i64, i64)>) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// THREATS HD-03: addresses are compared with ranges by their bits.
    #[test]
    fn a_range_contains_the_addresses_with_its_prefix() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7/31", "192.0.2.6", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "::2"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:11.0.0.1"),
        ] {
            let range = match range.split_once('/') {
                Some((address, prefix)) => {
                    Network::new(address.parse().unwrap(), prefix.parse().unwrap())
                }
                None => Network::read(&RawValue::Text(range)).ok(),
            };
            let range = range.unwrap();

            assert!(range.contains(inside.parse().unwrap()), "{range} has {inside}");
            assert!(!range.contains(outside.parse().unwrap()), "{range} has not {outside}");
        }
        for text in ["10.0.0.0/33", "::/129", "10.0.0.1/8", "10.0.0/8", "10.0.0.0/", "example.org"]
        {
            assert!(Network::read(&RawValue::Text(text)).is_err(), "{text}");
        }
    }
}
