//! Colours of an organisation's theme, with contrast calculations for readable text.

use std::fmt;

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// White.
    pub const WHITE: Self = Self(255, 255, 255);
    /// Black.
    pub const BLACK: Self = Self(0, 0, 0);

    /// Parses `#rrggbb`. Anything else is rejected, because a colour is inserted into a style
    /// sheet.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self(r, g, b))
    }

    /// The contrast ratio of WCAG 2.2: 1 (none) to 21 (black on white).
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The colour of text on this background: white if its contrast is at least 4.5 (WCAG 2.2
    /// §1.4.3), else black.
    pub fn text(self) -> Self {
        if self.contrast(Self::WHITE) >= 4.5 { Self::WHITE } else { Self::BLACK }
    }

    /// Mixes this colour with a share (0 to 1) of another.
    #[must_use]
    pub fn mixed(self, other: Self, share: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean of two bytes is a byte"
        )]
        let mix =
            |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// The nearest colour, towards black or white, with a contrast of at least `least` on `background`.
    #[must_use]
    pub fn readable_on(self, background: Self, least: f64) -> Self {
        let pole = if background.contrast(Self::BLACK) > background.contrast(Self::WHITE) {
            Self::BLACK
        } else {
            Self::WHITE
        };
        (0..=50u8)
            .map(|step| self.mixed(pole, f64::from(step) / 50.0))
            .find(|colour| colour.contrast(background) >= least)
            .unwrap_or(pole)
    }

    /// Relative luminance (WCAG 2.2, glossary).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_are_parsed() {
        assert_eq!(Colour::parse("#14594a"), Some(Colour(0x14, 0x59, 0x4a)));
        assert_eq!(Colour::parse("#11AAff"), Some(Colour(0x11, 0xaa, 0xff)));
        for wrong in
            ["", "#", "14594a", "#14594", "#14594a0", "#+12345", "#fff", "red", "#12345g", "#fff}"]
        {
            assert!(Colour::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((Colour::BLACK.contrast(Colour::WHITE) - 21.0).abs() < 1e-9);
        // A grey with a contrast of just over 4.5 on white.
        let ratio = Colour(0x76, 0x76, 0x76).contrast(Colour::WHITE);
        assert!((ratio - 4.54).abs() < 0.01, "{ratio}");
    }

    /// Buttons and links are readable with any colour.
    #[test]
    fn text_is_readable_on_every_colour() {
        let steps = || (0..=255u8).step_by(15);
        for (r, g, b) in
            steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| (r, g, b))))
        {
            let colour = Colour(r, g, b);
            assert!(colour.contrast(colour.text()) >= 4.5, "on {colour}");
            for background in [Colour::WHITE, Colour(0xf6, 0xf5, 0xf2), Colour(0x11, 0x12, 0x12)] {
                assert!(
                    colour.readable_on(background, 4.5).contrast(background) >= 4.5,
                    "{colour}"
                );
            }
        }
    }
}
