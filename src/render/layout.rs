//! How the pages look: the organisation's name, logo and colours, and what every page carries.

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

/// What an organisation puts its stamp on.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The organisation's name, as people know it.
    pub name: String,
    /// Its logo; without one, a tile with its initial and its name stand there.
    pub logo: Option<Picture>,
    /// The same on dark ground; without it, the logo lies on a light plate there.
    pub logo_dark: Option<Picture>,
    /// What browsers show beside the title; without it, the logo.
    pub icon: Option<Picture>,
    /// The colour of buttons and links.
    pub accent: Accent,
    /// Where people get help.
    pub support: Option<Support>,
    /// The privacy policy.
    pub privacy: Option<String>,
    /// The imprint.
    pub imprint: Option<String>,
}

impl Brand {
    /// The look of an organisation that has chosen nothing but its name.
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

    /// What `[brand]` says; the pictures are read from their files.
    ///
    /// # Errors
    /// When a file cannot be read, or is none of the four formats.
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

    /// `brand.css`: the accent and what follows from it. Colours of links and text on buttons are
    /// computed, so that no choice of accent makes a page unreadable (WCAG 2.2 §1.4.3).
    pub fn css(&self) -> String {
        let scheme = |accent: Colour, ground: Colour| {
            let text = accent.text();
            let away = if text == Colour::WHITE { Colour::BLACK } else { Colour::WHITE };
            format!(
                ":root{{--accent:{accent};--accent-hover:{};--on-accent:{text};--link:{}}}",
                accent.mixed(away, 0.14),
                accent.readable_on(ground, 5.0),
            )
        };
        let mut css = scheme(self.accent.light, LIGHT_GROUND);
        let dark = scheme(self.accent.dark, DARK_GROUND);
        // Writing to a String cannot fail.
        let _ = write!(css, "\n@media (prefers-color-scheme:dark){{{dark}}}\n");
        css
    }

    /// Whether the pages have links at their foot.
    pub fn has_links(&self) -> bool {
        self.support.is_some() || self.privacy.is_some() || self.imprint.is_some()
    }

    /// The letter that stands for the organisation where it has no logo.
    pub fn initial(&self) -> String {
        initials(&self.name).chars().take(1).collect()
    }
}

/// The ground that text lies on which contrasts least, in each scheme: `--ground` and `--raised` of
/// `gatewright.css`.
const LIGHT_GROUND: Colour = Colour(0xf4, 0xf3, 0xef);
const DARK_GROUND: Colour = Colour(0x20, 0x23, 0x22);

/// The accent in both schemes.
#[derive(Clone, Copy, Debug)]
pub struct Accent {
    /// On light ground.
    pub light: Colour,
    /// On dark ground.
    pub dark: Colour,
}

impl Accent {
    /// One colour for both: on dark ground, brightened until it stands out.
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

/// An image that stands for the organisation.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The image.
    pub bytes: Bytes,
    /// Its media type, as it is served: `image/svg+xml`, `image/png`, …
    pub media_type: &'static str,
}

impl Picture {
    /// Reads a file. What it holds decides its type, not what it is called.
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

/// Brand and files, prepared once at the start.
#[derive(Debug)]
pub struct Look {
    /// The organisation.
    pub brand: Brand,
    /// What is served under `/static` and `/brand`.
    pub assets: Assets,
    /// The path of the issuer without a slash at its end: empty, or `/id`. Every link of ours
    /// begins with it.
    pub base: String,
}

impl Look {
    /// Prepares everything for an issuer with this path.
    pub fn new(brand: Brand, issuer_path: &str) -> Self {
        let base = issuer_path.trim_end_matches('/').to_owned();
        Self { assets: Assets::of(&brand, &base), brand, base }
    }
}

/// What every page carries.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// Brand and files.
    pub look: &'a Look,
    /// The words of the reader's language.
    pub words: &'static Words,
    /// When the request came: ages are counted from it.
    pub now: Timestamp,
    /// Where the page is found in other languages; none where it speaks this one alone.
    pub place: Option<Place<'a>>,
}

impl Layout<'_> {
    /// How long ago something was, or the day, in the reader's words.
    pub fn ago(&self, then: &Timestamp) -> String {
        self.words.ago(*then, self.now)
    }
}

/// A link out of the house: http, https, or it does not exist (THREATS UI-08, M9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a>(&'a str);

impl<'a> Link<'a> {
    /// A link to `url`, if that is a web address.
    pub fn to(url: &'a str) -> Option<Self> {
        (url.starts_with("https://") || url.starts_with("http://")).then_some(Self(url))
    }

    /// The address.
    pub fn url(&self) -> &'a str {
        self.0
    }

    /// The host, with its port, as people read it.
    pub fn host(&self) -> &'a str {
        let rest = self.0.split_once("://").map_or(self.0, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
        authority.rsplit('@').next().unwrap_or(authority)
    }
}

/// A name as a part of a sentence: one that is written from right to left is isolated (U+2068, U+2069:
/// Unicode Standard Annex 9 §2.4), so that it does not turn the words around it.
///
/// On its own, a name stands in a `<bdi>` instead.
pub fn isolated(name: &str) -> Cow<'_, str> {
    // The blocks whose unassigned characters are R or AL by default (DerivedBidiClass.txt), and the marks and
    // embeddings that turn what follows. Isolates of its own would end ours.
    let turns = |c: char| {
        matches!(c,
            '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}')
    };
    if !name.contains(turns) {
        return Cow::Borrowed(name);
    }
    let own = name.replace(['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'], "");
    Cow::Owned(format!("\u{2068}{own}\u{2069}"))
}

/// One or two letters that stand for a name.
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

    /// The grounds that contrast is computed for are those of the style sheet.
    #[test]
    fn the_grounds_are_those_of_the_style_sheet() {
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
    fn a_name_from_right_to_left_turns_no_words_around_it() {
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
