//! Notifies systemd of the state of the process (sd_notify(3)): ready, stopping, alive.

use std::env;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

/// The server is ready.
pub(super) const READY: &str = "READY=1";

/// The start takes longer: the database does not respond, or its schema is migrated. Twenty minutes are more than
/// one attempt may take.
pub(super) const STARTING: &str = "EXTEND_TIMEOUT_USEC=1200000000";

/// The shutdown has begun.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Alive: the runtime schedules tasks.
const ALIVE: &str = "WATCHDOG=1";

/// Sends a state, if `NOTIFY_SOCKET` is set.
pub(super) fn notify(state: &str) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = send(socket.as_bytes(), state) {
        tracing::warn!(%error, state, "NOTIFY_SOCKET");
    }
}

/// A name that begins with `@` is of the abstract namespace of Linux.
fn send(socket: &[u8], state: &str) -> io::Result<()> {
    let address = match socket.strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            SocketAddr::from_abstract_name(name)?
        }
        _ => SocketAddr::from_pathname(Path::new(std::ffi::OsStr::from_bytes(socket)))?,
    };
    let datagram = UnixDatagram::unbound()?;
    // Never block on the receiver.
    datagram.set_nonblocking(true)?;
    datagram.send_to_addr(state.as_bytes(), &address).map(drop)
}

/// Reports twice in each interval that the process is alive, if a watchdog (`WatchdogSec=`) requests it. Never ends.
pub(super) async fn keep_alive() {
    let Some(interval) = interval(env::var("WATCHDOG_USEC").ok(), env::var("WATCHDOG_PID").ok())
    else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval(interval / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        notify(ALIVE);
    }
}

/// `WATCHDOG_USEC`, if it is for this process.
fn interval(usec: Option<String>, pid: Option<String>) -> Option<Duration> {
    let is_ours = pid.is_none_or(|pid| pid == std::process::id().to_string());
    let usec = usec?.parse().ok().filter(|usec| *usec > 0 && is_ours)?;
    Some(Duration::from_micros(usec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_may_be_a_file_or_an_abstract_name() {
        use std::os::linux::net::SocketAddrExt as _;

        let name = format!("gatewright-notify-{}", uuid::Uuid::now_v7());
        let file = env::temp_dir().join(&name);
        let hears = |address: &SocketAddr, named: &[u8]| {
            let socket = UnixDatagram::bind_addr(address).unwrap();
            send(named, READY).unwrap();
            let mut message = [0; 64];
            let length = socket.recv(&mut message).unwrap();
            assert_eq!(message[..length], *READY.as_bytes());
        };

        hears(&SocketAddr::from_pathname(&file).unwrap(), file.as_os_str().as_bytes());
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        hears(&abstract_name, format!("@{name}").as_bytes());

        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn the_watchdog_of_another_process_is_ignored() {
        let own_pid = || Some(std::process::id().to_string());
        let some = |usec: &str| Some(usec.to_owned());

        assert_eq!(interval(some("3000000"), own_pid()), Some(Duration::from_secs(3)));
        assert_eq!(interval(some("3000000"), None), Some(Duration::from_secs(3)));
        assert_eq!(interval(some("3000000"), some("1")), None);
        assert_eq!(interval(some("0"), own_pid()), None);
        assert_eq!(interval(None, None), None);
    }
}
