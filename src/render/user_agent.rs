//! Parses `User-Agent`, so that users recognise their devices.

use super::words::{Language, Translations};

/// The texts of a device.
#[derive(Debug)]
struct Words {
    /// The arguments are browser and system.
    both: fn(&str, &str) -> String,
    /// A device without known browser and system.
    unknown: &'static str,
}

static WORDS: Translations<Words> = Translations {
    en: Words {
        both: |browser, system| format!("{browser} on {system}"),
        unknown: "Unknown device",
    },
    de: Words {
        both: |browser, system| format!("{browser} auf {system}"),
        unknown: "Unbekanntes Gerät",
    },
    fr: Words {
        both: |browser, system| format!("{browser} sur {system}"),
        unknown: "Appareil inconnu",
    },
    es: Words {
        both: |browser, system| format!("{browser} en {system}"),
        unknown: "Dispositivo desconocido",
    },
};

/// A browser and a system, by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// The browser, if known.
    pub browser: Option<&'static str>,
    /// The system, if known.
    pub system: Option<&'static str>,
}

impl Device {
    /// Parses the header. Browsers list several products for compatibility; the most specific one is searched first.
    pub fn from_user_agent(user_agent: &str) -> Self {
        const BROWSERS: [(&str, &str); 11] = [
            ("Edg", "Edge"),
            ("OPR/", "Opera"),
            ("SamsungBrowser/", "Samsung Internet"),
            ("Vivaldi/", "Vivaldi"),
            ("Firefox/", "Firefox"),
            ("FxiOS/", "Firefox"),
            ("CriOS/", "Chrome"),
            ("HeadlessChrome/", "Chrome"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
            ("curl/", "curl"),
        ];
        const SYSTEMS: [(&str, &str); 7] = [
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Android", "Android"),
            ("Windows", "Windows"),
            ("CrOS", "ChromeOS"),
            ("Mac OS X", "macOS"),
            ("Linux", "Linux"),
        ];
        let find = |names: &[(&str, &'static str)]| {
            names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
        };
        Self { browser: find(&BROWSERS), system: find(&SYSTEMS) }
    }

    /// The name of the device.
    pub fn name(&self, language: Language) -> String {
        let words = WORDS.in_language(language);
        match (self.browser, self.system) {
            (Some(browser), Some(system)) => (words.both)(browser, system),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => words.unknown.to_owned(),
        }
    }

    /// Whether it is a phone or a tablet.
    pub fn is_mobile(&self) -> bool {
        matches!(self.system, Some("iPhone" | "iPad" | "Android"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_recognised() {
        let of = |text| {
            let Device { browser, system } = Device::from_user_agent(text);
            (browser.unwrap_or("?"), system.unwrap_or("?"))
        };

        assert_eq!(
            of("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
            ("Firefox", "Linux")
        );
        assert_eq!(
            of("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"),
            ("Edge", "Windows")
        );
        assert_eq!(
            of("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 \
                (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"),
            ("Safari", "iPhone")
        );
        assert_eq!(
            of("Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) \
                Chrome/142.0.0.0 Mobile Safari/537.36"),
            ("Chrome", "Android")
        );
        assert_eq!(of("something else"), ("?", "?"));
    }
}
