//! The reader that `GATEWRIGHT_FUZZ_TARGET` names; the examples to begin with are written into the folder
//! `GATEWRIGHT_FUZZ_EXAMPLES`.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::{env, fs};

use gatewright_fuzz::{seeds, targets};
use libfuzzer_sys::fuzz_target;

static READER: LazyLock<targets::Target> = LazyLock::new(|| {
    let wanted = env::var("GATEWRIGHT_FUZZ_TARGET").unwrap_or_default();
    let found = targets::ALL.iter().find(|(name, _)| *name == wanted);
    *found.unwrap_or_else(|| panic!("GATEWRIGHT_FUZZ_TARGET names no reader: {wanted}"))
});

fn write_examples() {
    let folder = PathBuf::from(env::var("GATEWRIGHT_FUZZ_EXAMPLES").unwrap());
    for (n, example) in seeds::of(READER.0).into_iter().enumerate() {
        fs::write(folder.join(format!("example-{n}")), example).unwrap();
    }
}

fuzz_target!(init: write_examples(), |data: &[u8]| READER.1(data));
