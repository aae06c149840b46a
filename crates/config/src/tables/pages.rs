//! `[brand]` and `[log]`.

use std::path::PathBuf;

use crate::problem::{Contradictions, not_a_file};
use crate::table::{optional, table};
use crate::text::{Link, LogFilter, LogFormat};
use crate::types::colour::Colour;

table! {
    /// The look of the pages.
    brand: Brand {
        /// The name of the organisation that users sign in to.
        organisation: String = "Gatewright".to_owned();
        /// The logo: PNG, SVG, JPEG or WebP.
        logo: Option<PathBuf> = None, such as "brand/logo.svg";
        /// The logo for the dark scheme. Without it, `brand.logo` is placed on a light background
        /// there.
        logo_dark: Option<PathBuf> = None, such as "brand/logo-dark.svg";
        /// A square icon that browsers show beside the title of a page. Without it, they show
        /// `brand.logo`.
        icon: Option<PathBuf> = None, such as "brand/icon.svg";
        /// The colour of buttons and links. Not set, it is that of the design.
        accent: Option<Colour> = None, such as "#2f5bd7";
        /// The same in the dark scheme.
        accent_dark: Option<Colour> = None, such as "#8fb0ff";
        /// The help page, or a mail address. On an error page, `{reference}` in it is replaced by
        /// the reference by which the error is found in the log and the audit trail, as in
        /// `https://example.org/help?ref={reference}`; elsewhere by nothing. A `mailto:` address
        /// without `{reference}` gets a subject and a body with the reference.
        support_url: Option<Link> = None, such as "https://example.org/help";
        /// The privacy policy.
        privacy_url: Option<Link> = None, such as "https://example.org/privacy";
        /// The imprint: the legally responsible operator.
        imprint_url: Option<Link> = None, such as "https://example.org/imprint";
    }
}

table! {
    /// The log.
    log: Log {
        /// `json`, one object a line; or `text`, for people.
        format: LogFormat = LogFormat::Json;
        /// `error`, `warn`, `info`, `debug`, `trace`, or a filter of `tracing` such as
        /// `info,gatewright::flow=debug`. `GATEWRIGHT_LOG` is a short name for its variable.
        level: LogFilter = LogFilter::default();
    }
}

impl Brand {
    pub(super) fn check(&self, contradictions: &mut Contradictions) {
        for (key, file) in [
            ("brand.logo", &self.logo),
            ("brand.logo_dark", &self.logo_dark),
            ("brand.icon", &self.icon),
        ] {
            const FORMATS: [&str; 5] = ["png", "svg", "jpg", "jpeg", "webp"];
            let Some(file) = file else { continue };
            let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
            if !FORMATS.iter().any(|known| extension == *known) {
                let reason = "has no file extension of a supported image format";
                contradictions.add(&[key], reason, "name a .png, .svg, .jpg or .webp");
            } else if !file.is_file() {
                contradictions.add(
                    &[key],
                    not_a_file(file),
                    "put the picture there, or leave it out",
                );
            }
        }
        if self.logo_dark.is_some() && self.logo.is_none() {
            contradictions.add(
                &["brand.logo_dark", "brand.logo"],
                "is the logo for the dark scheme, but there is none for the light one",
                "name the logo in brand.logo too",
            );
        }
    }
}
