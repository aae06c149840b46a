//! What a browser wants an answer for: [Fetch Metadata], and the `Sec-Purpose` of the Fetch Standard.
//!
//! Pages, and what they need, are for people who look at them. A page of somebody else that has a hundred
//! images, frames or prefetches of ours causes nothing (THREATS EX-11).
//!
//! [Fetch Metadata]: https://www.w3.org/TR/fetch-metadata/

use super::request::Head;
use super::route::{Kind, Route};

/// What a browser wants an answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A page of its own. Whoever sends no `Sec-Fetch-Dest` may be a browser too.
    Document,
    /// A page in the page of somebody else.
    Frame,
    /// A part of a page: an image, a script, an object, or what a script asks for.
    Part,
}

impl Head {
    /// What the answer is for.
    pub fn destination(&self) -> Destination {
        if !self.headers.contains_key("sec-fetch-dest") {
            return Destination::Document;
        }
        match self.text("sec-fetch-dest") {
            Some("document") => Destination::Document,
            Some("iframe" | "frame" | "fencedframe") => Destination::Frame,
            Some(_) | None => Destination::Part,
        }
    }

    /// Whether the browser asks before anybody has.
    fn is_prefetch(&self) -> bool {
        let purposes = [self.list("sec-purpose"), self.list("purpose"), self.list("x-moz")];
        purposes.iter().any(|purpose| purpose.contains("prefetch"))
    }

    /// Whether this route answers whatever this request is for.
    pub fn may_ask(&self, route: &Route) -> bool {
        if route.kind != Kind::Page {
            return true;
        }
        match self.destination() {
            _ if self.is_prefetch() => false,
            Destination::Document => true,
            Destination::Frame => route.even_framed,
            Destination::Part => false,
        }
    }
}
