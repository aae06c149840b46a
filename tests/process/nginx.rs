//! The real nginx, in a directory of its own.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

/// Where it puts what it writes, as directives: elsewhere it may not write.
pub(crate) fn own_paths(directory: &Path) -> String {
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let path = |kind| format!("{kind}_temp_path {}/{kind};\n", directory.display());
    kinds.map(path).concat()
}

/// Starts it with `nginx.conf` of this directory.
pub(crate) fn start(directory: &Path) -> Child {
    let here = directory.display();
    // One process: the workers of a master that is killed would stay.
    let global =
        format!("daemon off; master_process off; pid {here}/pid; error_log {here}/error.log warn;");
    Command::new("nginx")
        .args(["-p", &here.to_string(), "-c", &format!("{here}/nginx.conf"), "-g", &global])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("scripts/setup installs nginx")
}
