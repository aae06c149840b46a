//! Writes the examples of each target into the folder of its name under the one that is said.

use std::fs;
use std::path::PathBuf;

use gatewright_fuzz::{seeds, targets};

fn main() {
    let under = PathBuf::from(std::env::args().nth(1).expect("a folder"));
    for (target, _) in targets::ALL {
        let folder = under.join(target);
        fs::create_dir_all(&folder).unwrap();
        for (n, seed) in seeds::of(target).into_iter().enumerate() {
            fs::write(folder.join(format!("example-{n}")), seed).unwrap();
        }
    }
}
