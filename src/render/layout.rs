//! The appearance of the pages: the organisation's name, logo and colours, and the data of every page.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use axum::body::Bytes;

use super::assets::Assets;
use super::language::Place;
use super::support::Support;
use super::words::Words;
use crate::config;
use crate::types::Timestamp;
use crate::types::colour::Colour;

/// The branding of an organisation.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The organisation's name.
    pub name: String,
    /// Its logo. Default: a tile with its initial, and its name.
    pub logo: Option<Picture>,
    /// The logo for the dark scheme. Default: the logo on a light plate.
    pub logo_dark: Option<Picture>,
    /// The icon of browser tabs. Default: the logo.
    pub icon: Option<Picture>,
    /// The colour of buttons and links.
    pub accent: Accent,
    /// The link to help.
    pub support: Option<Support>,
    /// The privacy policy.
    pub privacy: Option<String>,
    /// The imprint.
    pub imprint: Option<String>,
}

impl Brand {
    /// The default branding of an organisation with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            logo: None,
            logo_dark: None,
            icon: None,
            accent: Accent::default(),
            support: None,
            privacy: None,
            imprint: None,
        }
    }

    /// The branding of `[brand]`, with its pictures read from their files.
    ///
    /// # Errors
    /// When a file cannot be read, or has none of the four formats.
    pub fn of(config: &config::Brand) -> io::Result<Self> {
        let light = config.accent.map(Accent::of);
        let accent = match (light, config.accent_dark) {
            (Some(accent), None) => accent,
            (Some(accent), Some(dark)) => Accent { dark, ..accent },
            (None, Some(dark)) => Accent { dark, ..Accent::default() },
            (None, None) => Accent::default(),
        };
        let link = |url: &Option<config::Link>| url.as_ref().map(config::Link::to_string);
        let picture = |file: &Option<PathBuf>| file.as_deref().map(Picture::read).transpose();
        Ok(Self {
            name: isolated(&config.organisation).into_owned(),
            logo: picture(&config.logo)?,
            logo_dark: picture(&config.logo_dark)?,
            icon: picture(&config.icon)?,
            accent,
            support: link(&config.support_url).as_deref().map(Support::at),
            privacy: link(&config.privacy_url),
            imprint: link(&config.imprint_url),
        })
    }

    /// `brand.css`: the accent and the colours derived from it. Colours of links and of text on buttons are computed, so
    /// that every accent gives readable pages (WCAG 2.2 §1.4.3).
    pub fn css(&self) -> String {
        let scheme = |accent: Colour, background: Colour| {
            let text = accent.text();
            let away = if text == Colour::WHITE { Colour::BLACK } else { Colour::WHITE };
            format!(
                ":root{{--accent:{accent};--accent-hover:{};--on-accent:{text};--link:{}}}",
                accent.mixed(away, 0.14),
                accent.readable_on(background, 5.0),
            )
        };
        let mut css = scheme(self.accent.light, LIGHT_GROUND);
        let dark = scheme(self.accent.dark, DARK_GROUND);
        // Writing to a String cannot fail.
        let _ = write!(css, "\n@media (prefers-color-scheme:dark){{{dark}}}\n");
        css
    }

    /// Whether the pages have a footer with links.
    pub fn has_links(&self) -> bool {
        self.support.is_some() || self.privacy.is_some() || self.imprint.is_some()
    }

    /// The initial of the organisation, shown in place of a logo.
    pub fn initial(&self) -> String {
        initials(&self.name).chars().take(1).collect()
    }
}

/// The background with the least contrast in each scheme: `--ground` and `--raised` of `gatewright.css`.
const LIGHT_GROUND: Colour = Colour(0xf4, 0xf3, 0xef);
const DARK_GROUND: Colour = Colour(0x20, 0x23, 0x22);

/// The accent in both schemes.
#[derive(Clone, Copy, Debug)]
pub struct Accent {
    /// In the light scheme.
    pub light: Colour,
    /// In the dark scheme.
    pub dark: Colour,
}

impl Accent {
    /// One colour for both schemes, brightened for contrast in the dark one.
    pub fn of(colour: Colour) -> Self {
        Self { light: colour, dark: colour.readable_on(DARK_GROUND, 5.5) }
    }
}

impl Default for Accent {
    /// Pine green.
    fn default() -> Self {
        Self { light: Colour(0x17, 0x57, 0x49), dark: Colour(0x8e, 0xd6, 0xbf) }
    }
}

/// An image of the organisation.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The image file.
    pub bytes: Bytes,
    /// Its media type: `image/svg+xml`, `image/png`, …
    pub media_type: &'static str,
}

impl Picture {
    /// Reads a file. The type is detected from its content, not from its name.
    fn read(path: &Path) -> io::Result<Self> {
        let bytes = Bytes::from(std::fs::read(path)?);
        let media_type = match bytes.as_ref() {
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            text if text.trim_ascii_start().starts_with(b"<") => "image/svg+xml",
            _ => {
                let what = format!("{} is not PNG, JPEG, WebP or SVG", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        };
        Ok(Self { bytes, media_type })
    }
}

/// Branding and static files, prepared once at startup.
#[derive(Debug)]
pub struct Look {
    /// The branding.
    pub brand: Brand,
    /// The files below `/static` and `/brand`.
    pub assets: Assets,
    /// The path of the issuer without a trailing slash: empty, or `/id`. All links to the server begin with it.
    pub base: String,
}

impl Look {
    /// Prepares the files for an issuer with this path.
    pub fn new(brand: Brand, issuer_path: &str) -> Self {
        let base = issuer_path.trim_end_matches('/').to_owned();
        Self { assets: Assets::of(&brand, &base), brand, base }
    }
}

/// The data of every page.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// Branding and static files.
    pub look: &'a Look,
    /// The shared texts in the language of the page.
    pub words: &'static Words,
    /// The time of the request, for relative times.
    pub now: Timestamp,
    /// The place of the page in other languages; `None` if it has only one.
    pub place: Option<Place<'a>>,
}

impl Layout<'_> {
    /// The time since `then`, or its date, as text.
    pub fn ago(&self, then: &Timestamp) -> String {
        self.words.ago(*then, self.now)
    }
}

/// A link to another site, http or https only (THREATS UI-08, M9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a>(&'a str);

impl<'a> Link<'a> {
    /// A link to `url`, if it is an http or https URL.
    pub fn to(url: &'a str) -> Option<Self> {
        (url.starts_with("https://") || url.starts_with("http://")).then_some(Self(url))
    }

    /// The URL.
    pub fn url(&self) -> &'a str {
        self.0
    }

    /// The host, with its port.
    pub fn host(&self) -> &'a str {
        let rest = self.0.split_once("://").map_or(self.0, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
        authority.rsplit('@').next().unwrap_or(authority)
    }
}

/// A name within a sentence. A right-to-left name is isolated (U+2068, U+2069: Unicode Standard Annex 9 §2.4), so that
/// it does not reorder the text around it.
///
/// A name that is an element of its own is put into a `<bdi>` instead.
pub fn isolated(name: &str) -> Cow<'_, str> {
    // The blocks whose unassigned characters are R or AL by default (DerivedBidiClass.txt), and the marks and
    // embeddings that change the direction of the text after them. Isolates within the name would end this one.
    let changes_direction = |c: char| {
        matches!(c,
            '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}')
    };
    if !name.contains(changes_direction) {
        return Cow::Borrowed(name);
    }
    let own = name.replace(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'], "");
    Cow::Owned(format!("\u{2068}{own}\u{2069}"))
}

/// The initials of a name: one or two letters.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| {
        let letter = word.chars().find(|c| c.is_alphanumeric())?;
        Some(letter.to_uppercase().collect::<String>())
    });
    let first = words.next().unwrap_or_default();
    let last = words.next_back().unwrap_or_default();
    first + last.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accent_gives_a_readable_style_sheet() {
        let css =
            Brand { accent: Accent::of(Colour(0xff, 0xe0, 0x00)), ..Brand::named("Lemon") }.css();

        assert!(
            css.starts_with(":root{--accent:#ffe000;--accent-hover:#ffe424;--on-accent:#000000;")
        );
        assert!(css.contains("@media (prefers-color-scheme:dark){:root{--accent:#ffe000;"));
        assert!(!css.contains("--link:#ffe000}}\n@"), "yellow on paper cannot be read: {css}");
    }

    #[test]
    fn contrast_is_computed_for_the_backgrounds_of_the_style_sheet() {
        let css = include_str!("../../static/gatewright.css");

        assert!(css.contains(&format!("--ground: {LIGHT_GROUND}")));
        assert!(css.contains(&format!("--raised: {DARK_GROUND}")));
    }

    #[test]
    fn only_web_addresses_become_links() {
        for wrong in ["javascript:alert(1)", "//evil.example", "data:text/html,x", "", "ftp://x"] {
            assert_eq!(Link::to(wrong), None, "{wrong}");
        }
        let host = |url| Link::to(url).map(|link| link.host());
        assert_eq!(host("https://photos.example:8443/a?b"), Some("photos.example:8443"));
        assert_eq!(host("https://bank.example@evil.example/"), Some("evil.example"));
        assert_eq!(host("https://evil.example\\@bank.example/"), Some("evil.example"));
    }

    #[test]
    fn a_right_to_left_name_does_not_reorder_the_text_around_it() {
        for plain in ["Photos", "Grüße & Co. (2)", "写真", "Фото", ""] {
            assert_eq!(isolated(plain), plain);
        }
        assert_eq!(isolated("צילום 2"), "\u{2068}צילום 2\u{2069}");
        assert_eq!(isolated("الصور"), "\u{2068}الصور\u{2069}");
        assert_eq!(isolated("x\u{2069}\u{202e}y"), "\u{2068}x\u{202e}y\u{2069}");
        assert_eq!(initials(&isolated("אדה לאבלייס")), "אל");
    }

    #[test]
    fn initials_are_of_the_first_and_the_last_name() {
        assert_eq!(initials("Ada Lovelace"), "AL");
        assert_eq!(initials("Gabriel José García Márquez"), "GM");
        assert_eq!(initials("ada@example.org"), "A");
        assert_eq!(initials("  "), "");
    }
}
