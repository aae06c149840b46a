//! The limits on the number of connections: of a listener, and of one address (THREATS EX-09).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::is_proxy;
use crate::config::{Http, Network};
use crate::types::Subscriber;

/// The places of one listener.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The number of places.
    all: usize,
    free: Arc<Semaphore>,
    /// The maximum of one subscriber.
    per_subscriber: usize,
    taken: Arc<Taken>,
    /// Addresses without a maximum: a proxy's connections are those of all clients behind it.
    proxies: Arc<[Network]>,
}

/// The number of connections of each subscriber that has any.
type Taken = Mutex<HashMap<Subscriber, usize>>;

/// One place, taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _one: OwnedSemaphorePermit,
    _counted: Option<Counted>,
}

#[derive(Debug)]
struct Counted {
    subscriber: Subscriber,
    taken: Arc<Taken>,
}

impl Places {
    /// This number of places, of which one subscriber may take what the configuration allows, at most half.
    pub(super) fn new(all: usize, config: &Http) -> Self {
        Self {
            all,
            free: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            per_subscriber: config.max_connections_per_address.min(all.div_ceil(2)),
            taken: Arc::default(),
            proxies: config.trusted_proxies.as_slice().into(),
        }
    }

    /// The same limits for another listener, with all places free.
    pub(super) fn for_another_listener(&self) -> Self {
        let free = Arc::new(Semaphore::new(self.all.min(Semaphore::MAX_PERMITS)));
        Self { free, taken: Arc::default(), ..self.clone() }
    }

    /// Waits until a place is free.
    pub(super) async fn free(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().acquire_owned().await.ok()
    }

    /// Assigns a free place to this peer. `None`: the peer has reached its maximum.
    pub(super) fn take(&self, one: OwnedSemaphorePermit, peer: IpAddr) -> Option<Place> {
        if is_proxy(peer, &self.proxies) {
            return Some(Place { _one: one, _counted: None });
        }
        let subscriber = Subscriber::from_address(Some(peer));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(subscriber).or_default();
        if *count >= self.per_subscriber {
            return None;
        }
        *count += 1;
        let counted = Counted { subscriber, taken: self.taken.clone() };
        Some(Place { _one: one, _counted: Some(counted) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = taken.entry(self.subscriber) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(all: usize, per_subscriber: usize) -> Places {
        let config = Http {
            max_connections_per_address: per_subscriber,
            trusted_proxies: vec![Network::new("10.0.0.1".parse().unwrap(), 32).unwrap()],
            ..Http::default()
        };
        Places::new(all, &config)
    }

    async fn take(places: &Places, peer: &str) -> Option<Place> {
        let one = places.free().await.unwrap();
        places.take(one, peer.parse().unwrap())
    }

    /// THREATS EX-09.
    #[tokio::test]
    async fn a_subscriber_is_limited_and_a_proxy_is_not() {
        let places = places(10, 2);
        let mut places_taken = Vec::new();
        for peer in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::ffff:1"] {
            places_taken.extend(take(&places, peer).await);
        }
        assert_eq!(places_taken.len(), 4);

        for full in ["192.0.2.1", "2001:db8::2"] {
            assert!(take(&places, full).await.is_none(), "{full}");
        }
        for other in ["192.0.2.2", "2001:db8:0:1::1", "10.0.0.1", "10.0.0.1", "10.0.0.1"] {
            places_taken.push(take(&places, other).await.unwrap());
        }

        places_taken.remove(0);
        places_taken.push(take(&places, "192.0.2.1").await.unwrap());
        assert!(take(&places, "192.0.2.1").await.is_none());
        drop(places_taken);
        assert!(
            places.taken.lock().unwrap().is_empty(),
            "subscribers without connections are removed"
        );
        assert_eq!(places.free.available_permits(), 10);
    }

    #[tokio::test]
    async fn no_subscriber_has_more_than_half() {
        let places = places(3, 1000);
        let places_taken = [take(&places, "192.0.2.1").await, take(&places, "192.0.2.1").await];

        assert!(places_taken.iter().all(Option::is_some));
        assert!(take(&places, "192.0.2.1").await.is_none());
        assert!(take(&places, "192.0.2.2").await.is_some());
    }
}
