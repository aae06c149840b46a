//! Untrusted input in binary and text formats, mutated at random: the parsers must return (THREATS
//! MT-07, DO-08).
//!
//! | variable | meaning | else |
//! |---|---|---|
//! | `GATEWRIGHT_FUZZ_SECONDS` | duration, for all parsers together | 2 |
//! | `GATEWRIGHT_TEST_SEED` | the seed that a failed run has printed | random |

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[path = "../../fuzz/src/seeds.rs"]
#[expect(unreachable_pub, reason = "a file of fuzz/ as well, which is a crate of its own")]
mod seeds;
#[path = "../../fuzz/src/targets.rs"]
#[expect(unreachable_pub, reason = "a file of fuzz/ as well, which is a crate of its own")]
mod targets;

/// Bytes with a meaning in DER, percent-encoding, names and header fields.
const MEANINGFUL_BYTES: &[u8] = b"\x00\x01\x02\x03\x04\x05\x06\x0a\x0c\x13\x16\x17\x18\x30\x31\x7f\x80\x81\x82\x83\x84\x88\xa0\xa1\xa2\xa3\xff,=+\\\"#<>;:%-\r\n\t /";

/// A deterministic random number generator (xorshift64*).
struct Rng(u64);

impl Rng {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(high).unwrap() % sides.max(1)
    }

    fn byte(&mut self) -> u8 {
        match self.below(3) {
            0 => u8::try_from(self.below(256)).unwrap(),
            _ => MEANINGFUL_BYTES[self.below(MEANINGFUL_BYTES.len())],
        }
    }

    /// A random range, mostly a short one.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 8 };
        from..(from + self.below(most + 1)).min(length)
    }

    /// Mutates the data, sometimes with a part of another input.
    fn mutate(&mut self, data: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(data.len());
        match self.below(9) {
            0 | 1 if !data.is_empty() => data[at] ^= 1 << self.below(8),
            2 | 3 if !data.is_empty() => data[at] = self.byte(),
            4 => {
                let removed = self.range(data.len());
                data.drain(removed);
            }
            5 => {
                let byte = self.byte();
                let many = if self.below(8) == 0 { self.below(300) } else { 1 };
                data.splice(at..at, std::iter::repeat_n(byte, many));
            }
            6 => {
                let again = data[self.range(data.len())].to_vec();
                data.splice(at..at, again);
            }
            7 => {
                let part = other[self.range(other.len())].to_vec();
                let removed = self.range(data.len());
                data.splice(removed, part);
            }
            _ => data.truncate(if self.below(4) == 0 { at } else { data.len() }),
        }
    }
}

#[test]
fn no_input_makes_a_parser_panic() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse::<u64>().unwrap());
    let seconds = number("GATEWRIGHT_FUZZ_SECONDS").unwrap_or(2);
    let seed = number("GATEWRIGHT_TEST_SEED");
    let seed = seed.unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0) | 1);
    eprintln!("GATEWRIGHT_TEST_SEED={seed}");
    let mut rng = Rng(seed);
    let targets: Vec<_> =
        targets::ALL.iter().map(|(name, read)| (*name, *read, seeds::of(name))).collect();
    for (_, read, seeds) in &targets {
        seeds.iter().for_each(|seed| read(seed));
    }

    let until = Instant::now() + Duration::from_secs(seconds);
    let mut inputs = 0_u64;
    while Instant::now() < until {
        for (name, read, seeds) in &targets {
            for _ in 0..50 {
                let mut data = seeds[rng.below(seeds.len())].clone();
                let other = &seeds[rng.below(seeds.len())];
                for _ in 0..=rng.below(6) {
                    rng.mutate(&mut data, other);
                }
                let read = catch_unwind(AssertUnwindSafe(|| read(&data)));
                assert!(read.is_ok(), "{name} panicked on {}", STANDARD.encode(&data));
                inputs += 1;
            }
        }
    }
    eprintln!("{inputs} inputs");
}
