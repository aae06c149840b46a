//! The reader that `GATEWRIGHT_FUZZ_TARGET` names.

#![no_main]

use std::sync::LazyLock;

use gatewright_fuzz::targets;
use libfuzzer_sys::fuzz_target;

static READ: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("GATEWRIGHT_FUZZ_TARGET").unwrap_or_default();
    let found = targets::ALL.iter().find(|(name, _)| *name == wanted);
    found.unwrap_or_else(|| panic!("GATEWRIGHT_FUZZ_TARGET names no reader: {wanted}")).1
});

fuzz_target!(|data: &[u8]| READ(data));
