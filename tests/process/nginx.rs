//! The real nginx, in a directory of its own.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

/// Directives for the paths that it writes to: other paths are not writable.
pub(crate) fn path_directives(directory: &Path) -> String {
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let path = |kind| format!("{kind}_temp_path {}/{kind};\n", directory.display());
    kinds.map(path).concat()
}

/// Starts it with the `nginx.conf` of this directory.
pub(crate) fn start(directory: &Path) -> Child {
    let here = directory.display();
    // A single process: workers would survive a killed master.
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
