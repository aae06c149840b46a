//! Where a request comes from, as far as we believe it.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::config::Network;

/// As many hops as are looked at: nobody stands behind more proxies (THREATS HD-02).
const HOPS: usize = 32;

/// The rightmost address that no proxy of ours has: each of them adds at the right whom it heard, and
/// what stands left of that anybody may have written (THREATS HD-03).
///
/// Where a proxy of ours says something that is no address, the request comes from that proxy: no rule
/// about addresses is passed over.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_ours = |address| is_proxy(address, trusted);
    if !is_ours(peer) {
        return peer;
    }
    let fields = headers.get_all("x-forwarded-for").iter().rev();
    // As bytes: what a client wrote at the left must not hide what a proxy of ours added at the right.
    let hops = fields.flat_map(|field| field.as_bytes().rsplit(|byte| *byte == b','));
    let mut believed = peer;
    for hop in hops.take(HOPS) {
        let Some(address) = read(hop) else {
            return believed;
        };
        believed = address;
        if !is_ours(address) {
            return address;
        }
    }
    believed
}

/// Whether this is one of our proxies.
pub(super) fn is_proxy(peer: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(peer))
}

/// An address; some proxies write a port behind it, and an IPv6 address in brackets.
fn read(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop.trim_ascii()).ok()?;
    let address = hop.parse().ok().or_else(|| {
        let with_port: std::net::SocketAddr = hop.parse().ok()?;
        Some(with_port.ip())
    });
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(peer: &str, forwarded: &[&str]) -> String {
        let trusted = [
            Network::new("10.0.0.0".parse().unwrap(), 8).unwrap(),
            Network::new("::1".parse().unwrap(), 128).unwrap(),
        ];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    /// THREATS HD-03.
    #[test]
    fn only_what_our_proxies_say_is_believed() {
        assert_eq!(of("192.0.2.1", &["203.0.113.9"]), "192.0.2.1", "not a proxy of ours");
        assert_eq!(of("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["1.1.1.1, 203.0.113.9"]), "203.0.113.9", "1.1.1.1 is a claim");
        assert_eq!(of("10.0.0.1", &["1.1.1.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(of("::1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(of("::1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("::1", &["203.0.113.9:80"]), "203.0.113.9");
    }

    /// THREATS HD-02.
    #[test]
    fn what_is_no_address_passes_over_nothing() {
        for broken in ["a", "", ",", "203.0.113.9, a", "fe80::1%eth0", "203.0.113", "é"] {
            let headers = [broken];
            assert_eq!(of("10.0.0.1", &headers), "10.0.0.1", "{broken}");
        }
        assert_eq!(
            of("10.0.0.1", &["Jürgen, 203.0.113.9"]),
            "203.0.113.9",
            "nor what is left of it"
        );
        let many = vec!["10.0.0.9"; 1000].join(", ");
        assert_eq!(of("10.0.0.1", &[&format!("203.0.113.9, {many}")]), "10.0.0.9");
    }
}
