//! Distinguished names: written as text ([RFC 4514]), compared attribute by attribute ([RFC 5280 §7.1],
//! with the preparation of [RFC 4518]).
//!
//! Patterns and partial matches are not supported: two names are equal, or they are not.
//!
//! [RFC 4514]: https://www.rfc-editor.org/rfc/rfc4514
//! [RFC 4518]: https://www.rfc-editor.org/rfc/rfc4518
//! [RFC 5280 §7.1]: https://www.rfc-editor.org/rfc/rfc5280#section-7.1

use std::fmt;

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization as _;
use x509_parser::asn1_rs::{Any, Class, FromDer as _, Tag};
use x509_parser::x509::X509Name;

/// The longest name that is accepted as text.
const MAX_BYTES: usize = 1024;

/// Attribute types with a name: identifier, the name that is written, other names that are
/// accepted. Values of these types are compared without regard to case.
const TYPES: &[(&str, &str, &[&str])] = &[
    // RFC 4514 §3.
    ("2.5.4.3", "CN", &["commonName"]),
    ("2.5.4.6", "C", &["countryName"]),
    ("2.5.4.7", "L", &["localityName"]),
    ("2.5.4.8", "ST", &["stateOrProvinceName"]),
    ("2.5.4.9", "STREET", &["streetAddress"]),
    ("2.5.4.10", "O", &["organizationName"]),
    ("2.5.4.11", "OU", &["organizationalUnitName"]),
    ("0.9.2342.19200300.100.1.1", "UID", &["userId"]),
    ("0.9.2342.19200300.100.1.25", "DC", &["domainComponent"]),
    // RFC 4519, RFC 2985 and other types that occur in certificates.
    ("2.5.4.4", "SN", &["surname"]),
    ("2.5.4.5", "serialNumber", &[]),
    ("2.5.4.12", "title", &[]),
    ("2.5.4.15", "businessCategory", &[]),
    ("2.5.4.17", "postalCode", &[]),
    ("2.5.4.41", "name", &[]),
    ("2.5.4.42", "GN", &["givenName"]),
    ("2.5.4.43", "initials", &[]),
    ("2.5.4.44", "generationQualifier", &[]),
    ("2.5.4.46", "dnQualifier", &[]),
    ("2.5.4.65", "pseudonym", &[]),
    ("2.5.4.97", "organizationIdentifier", &[]),
    ("1.2.840.113549.1.9.1", "emailAddress", &["E"]),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL", &["jurisdictionLocalityName"]),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST", &["jurisdictionStateOrProvinceName"]),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC", &["jurisdictionCountryName"]),
];

/// A distinguished name. Two names are equal if they have the same relative distinguished names in
/// the same order, each a set of the same attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// In the order of the certificate, which is the reverse of the order in text.
    relative: Vec<Vec<Attribute>>,
}

/// A type and a value. The order exists only so that sets can be compared.
#[derive(Clone, Debug)]
struct Attribute {
    /// The object identifier, in dotted decimal.
    oid: String,
    /// The value in the form in which it is compared.
    comparison: Comparison,
    /// The value as text, if it is a string.
    text: Option<String>,
    /// The value in DER.
    der: Vec<u8>,
}

/// A value in the form in which it is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Comparison {
    /// caseIgnoreMatch (RFC 4517 §4.2.11), regardless of the string type.
    Folded(String),
    /// Text of an unknown attribute type.
    Exact(String),
    /// A value that is not a string.
    Der(Vec<u8>),
}

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Attribute {}

impl Attribute {
    fn new(oid: String, text: Option<String>, der: Vec<u8>) -> Self {
        let comparison = match &text {
            Some(text) if type_name(&oid).is_some() => {
                fold(text).map_or_else(|| Comparison::Exact(text.clone()), Comparison::Folded)
            }
            Some(text) => Comparison::Exact(text.clone()),
            None => Comparison::Der(der.clone()),
        };
        Self { oid, comparison, text, der }
    }

    const fn key(&self) -> (&String, &Comparison) {
        (&self.oid, &self.comparison)
    }
}

impl Name {
    /// The name in a certificate.
    pub(super) fn from_x509(name: &X509Name<'_>) -> Self {
        let attributes = name.iter_rdn().map(|set| {
            set.iter().map(|attribute| {
                let value = attribute.attr_value();
                Attribute::new(attribute.attr_type().to_id_string(), text(value), der(value))
            })
        });
        Self { relative: attributes.map(sorted_set).collect() }
    }

    /// Parses a name in the form of RFC 4514: `CN=Backup,OU=Operations,O=Example,C=DE`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.len() > MAX_BYTES {
            return Err("it is longer than 1024 bytes");
        }
        let mut relative = Vec::new();
        for set in split(text, ',') {
            let set: Result<Vec<_>, _> = split(set, '+').into_iter().map(parse_attribute).collect();
            relative.push(sorted_set(set?));
        }
        // > the output consists of the string encodings of each RelativeDistinguishedName in the
        // > RDNSequence [...], starting with the last element of the RDNSequence and moving backwards
        // > toward the first. (§2.1)
        relative.reverse();
        Ok(Self { relative })
    }

    /// A key for comparisons: equal names have equal keys, different names different ones.
    pub fn comparison_key(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut push = |part: &[u8]| {
            bytes.extend_from_slice(&part.len().to_be_bytes());
            bytes.extend_from_slice(part);
        };
        for set in &self.relative {
            push(&set.len().to_be_bytes());
            for attribute in set {
                push(attribute.oid.as_bytes());
                let (kind, value) = match &attribute.comparison {
                    Comparison::Folded(text) => (b"f", text.as_bytes()),
                    Comparison::Exact(text) => (b"e", text.as_bytes()),
                    Comparison::Der(der) => (b"d", der.as_slice()),
                };
                push(kind);
                push(value);
            }
        }
        bytes
    }

    /// Whether it has no attributes.
    pub const fn is_empty(&self) -> bool {
        self.relative.is_empty()
    }
}

fn sorted_set(set: impl IntoIterator<Item = Attribute>) -> Vec<Attribute> {
    let mut set: Vec<_> = set.into_iter().collect();
    set.sort_by(|a, b| a.key().cmp(&b.key()));
    set
}

/// The parts of `text` between separators that are not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            parts.push(text.get(begin..at).unwrap_or_default());
            begin = at + c.len_utf8();
        }
    }
    parts.push(text.get(begin..).unwrap_or_default());
    parts
}

/// `attributeTypeAndValue` of RFC 4514 §3.
fn parse_attribute(text: &str) -> Result<Attribute, &'static str> {
    let Some((kind, value)) = text.split_once('=') else {
        return Err("an attribute has no =");
    };
    let oid = parse_type(kind)?;
    if let Some(hex) = value.strip_prefix('#') {
        let der = decode_hex(hex).ok_or("a value that begins with # is not hexadecimal")?;
        let (rest, any) =
            Any::from_der(&der).map_err(|_| "a value that begins with # is not DER")?;
        if !rest.is_empty() {
            return Err("a value that begins with # has trailing data");
        }
        let text = self::text(&any);
        return Ok(Attribute::new(oid, text, der));
    }
    let value = unescape(value)?;
    if value.chars().any(is_invisible) {
        return Err("a value has an invisible character");
    }
    let der = der_encoded(0x0c, value.as_bytes());
    Ok(Attribute::new(oid, Some(value), der))
}

/// `descr` or `numericoid` (RFC 4512 §1.4).
fn parse_type(kind: &str) -> Result<String, &'static str> {
    let is = |name: &str| name.eq_ignore_ascii_case(kind);
    if let Some((oid, ..)) =
        TYPES.iter().find(|(_, name, others)| is(name) || others.iter().any(|name| is(name)))
    {
        return Ok((*oid).to_owned());
    }
    if kind.trim() != kind {
        return Err(
            "there is a space around the type of an attribute: write CN=…,O=… without spaces",
        );
    }
    let number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    if kind.contains('.') && kind.split('.').all(number) {
        return Ok(kind.to_owned());
    }
    Err("the type of an attribute is neither a known name nor an object identifier")
}

/// Removes the escapes of a `string` (RFC 4514 §3).
fn unescape(value: &str) -> Result<String, &'static str> {
    const WRONG: &str =
        "a value has a \\ that no special character and no two hexadecimal digits follow";
    const SPACE: &str = "a value begins or ends with a space that is not escaped";
    if value.starts_with(' ') {
        return Err(SPACE);
    }
    let mut ends_in_space = false;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        ends_in_space = c == ' ';
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\0' => {
                return Err("a value has one of \" + , ; < > that is not escaped");
            }
            '\\' => match rest.next() {
                Some(c @ ('"' | '+' | ',' | ';' | '<' | '>' | ' ' | '#' | '=' | '\\')) => {
                    bytes.push(u8::try_from(c).map_err(|_| WRONG)?);
                }
                Some(high) => {
                    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                    let low = rest.next().and_then(digit).ok_or(WRONG)?;
                    bytes.push(digit(high).ok_or(WRONG)? << 4 | low);
                }
                None => return Err(WRONG),
            },
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    if ends_in_space {
        return Err(SPACE);
    }
    String::from_utf8(bytes).map_err(|_| "the escapes of a value are not UTF-8")
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    };
    digits?.chunks(2).map(pair).collect()
}

/// The text of a value of any string type of X.520; `None`: not a string, or malformed.
fn text(value: &Any<'_>) -> Option<String> {
    let bytes = value.data;
    match value.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).ok(),
        Tag::PrintableString | Tag::NumericString | Tag::Ia5String | Tag::VisibleString => {
            bytes.is_ascii().then(|| String::from_utf8(bytes.to_vec()).ok())?
        }
        Tag::BmpString => {
            let units = bytes.chunks(2).map(|two| <[u8; 2]>::try_from(two).ok());
            let units: Option<Vec<u16>> = units.map(|two| two.map(u16::from_be_bytes)).collect();
            String::from_utf16(&units?).ok()
        }
        Tag::UniversalString => {
            let units = bytes.chunks(4).map(|four| <[u8; 4]>::try_from(four).ok());
            units.map(|four| char::from_u32(u32::from_be_bytes(four?))).collect()
        }
        _ => None,
    }
}

/// A value in DER.
fn der(value: &Any<'_>) -> Vec<u8> {
    let class = match value.header.class() {
        Class::Universal => 0,
        Class::Application => 0x40,
        Class::ContextSpecific => 0x80,
        Class::Private => 0xc0,
    };
    let form = if value.header.is_constructed() { 0x20 } else { 0 };
    // No string type has a larger tag, so a value with one never equals parsed text.
    let tag = u8::try_from(value.tag().0).ok().filter(|tag| *tag < 0x1f).unwrap_or(0x1f);
    der_encoded(class | form | tag, value.data)
}

fn der_encoded(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = length.iter().skip_while(|byte| **byte == 0).copied();
    let mut der = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..=0x7f) => der.push(short),
        Ok(_) | Err(_) => {
            let significant: Vec<u8> = significant.collect();
            der.push(0x80 | u8::try_from(significant.len()).unwrap_or(0x7f));
            der.extend(significant);
        }
    }
    der.extend_from_slice(content);
    der
}

/// RFC 4518 §2, in a strict subset: compatibility characters, case and spaces make no difference.
/// RFC 4518 ignores invisible characters; here `None` is returned, so a name with one never equals
/// a name without.
fn fold(text: &str) -> Option<String> {
    if text.chars().any(is_invisible) {
        return None;
    }
    let composed: String = text.nfkc().collect();
    let folded = CaseMapper::new().fold_string(&composed).into_owned();
    let composed: String = folded.nfkc().collect();
    Some(composed.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Characters that RFC 4518 §2.2 maps to nothing or §2.4 prohibits.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

fn type_name(oid: &str) -> Option<&'static str> {
    TYPES.iter().find(|(known, ..)| *known == oid).map(|(_, name, _)| *name)
}

/// RFC 4514 §2.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, set) in self.relative.iter().rev().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            for (n, attribute) in set.iter().enumerate() {
                if n > 0 {
                    f.write_str("+")?;
                }
                attribute.fmt(f)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(name), Some(text)) = (type_name(&self.oid), &self.text) else {
            write!(f, "{}=#", type_name(&self.oid).unwrap_or(&self.oid))?;
            return self.der.iter().try_for_each(|byte| write!(f, "{byte:02x}"));
        };
        write!(f, "{name}=")?;
        let last = text.chars().count().saturating_sub(1);
        for (at, c) in text.chars().enumerate() {
            match c {
                '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
                '#' if at == 0 => f.write_str("\\#")?,
                ' ' if at == 0 || at == last => f.write_str("\\ ")?,
                c if is_invisible(c) => {
                    let mut room = [0; 4];
                    let mut bytes = c.encode_utf8(&mut room).bytes();
                    bytes.try_for_each(|byte| write!(f, "\\{byte:02x}"))?;
                }
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, KeyPair};
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;

    fn name_from(attributes: &[(DnType, DnValue)]) -> Name {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in attributes {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        params.custom_extensions = Vec::<CustomExtension>::new();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (_, parsed) = X509Certificate::from_der(certificate.der()).unwrap();
        Name::from_x509(parsed.subject())
    }

    fn utf8(text: &str) -> DnValue {
        DnValue::Utf8String(text.to_owned())
    }

    /// RFC 4514 §2.1, §4; RFC 8705 §2.1.2. THREATS MT-01.
    #[test]
    fn a_name_is_compared_attribute_by_attribute() {
        let name = name_from(&[
            (DnType::CountryName, DnValue::PrintableString("DE".try_into().unwrap())),
            (DnType::OrganizationName, utf8("Example, \"Sons\"  & Co")),
            (DnType::CommonName, utf8("Jürgen Großmann")),
            (DnType::CustomDnType(vec![1, 2, 3, 4]), utf8("Left alone")),
        ]);
        let text = "1.2.3.4=#0c0a4c65667420616c6f6e65,CN=Jürgen Großmann,O=Example\\, \\\"Sons\\\"  & Co,C=DE";
        assert_eq!(name.to_string(), text);

        for same in [
            text,
            "1.2.3.4=Left alone,CN=Jürgen Großmann,O=Example\\, \\\"Sons\\\" & Co,C=DE",
            "1.2.3.4=Left alone,cn=JU\u{308}RGEN GROSSMANN,o=example\\2c \\22sons\\22 & co,c=de",
            "1.2.3.4=Left alone,2.5.4.3=J\\C3\\BCrgen Gro\\c3\\9fmann,2.5.4.10=Example\\, \\\"Sons\\\" & Co,2.5.4.6=#13024445",
        ] {
            assert_eq!(Name::parse(same).as_ref(), Ok(&name), "{same}");
        }
        for other in [
            "CN=Jürgen Großmann",
            "C=DE,O=Example\\, \\\"Sons\\\" & Co,CN=Jürgen Großmann,1.2.3.4=Left alone",
            "1.2.3.4=left alone,CN=Jürgen Großmann,O=Example\\, \\\"Sons\\\" & Co,C=DE",
            "1.2.3.4=Left alone,CN=Jurgen Grossmann,O=Example\\, \\\"Sons\\\" & Co,C=DE",
            "1.2.3.4=Left alone,CN=Jürgen Großmann,O=Example\\, \\\"Sons\\\" & Co,C=DE,DC=de",
            "1.2.3.4=Left alone+CN=Jürgen Großmann,O=Example\\, \\\"Sons\\\" & Co,C=DE",
            "1.2.3.4=Left alone,CN=.*,O=Example\\, \\\"Sons\\\" & Co,C=DE",
        ] {
            assert_ne!(Name::parse(other).as_ref(), Ok(&name), "{other}");
        }
    }

    /// A relative distinguished name with several attributes is a set (X.501 §9.3).
    #[test]
    fn the_order_of_attributes_matters_only_between_relative_names() {
        let parse = |text| Name::parse(text).unwrap();
        assert_eq!(parse("CN=a+UID=1,O=x"), parse("UID=1+CN=a,O=x"));
        assert_ne!(parse("CN=a,UID=1,O=x"), parse("UID=1,CN=a,O=x"));
        assert_ne!(parse("CN=a+UID=1,O=x"), parse("CN=a,UID=1,O=x"));
        assert_eq!(parse("CN=a+UID=1,O=x").to_string(), "UID=1+CN=a,O=x");
    }

    /// Characters that RFC 4518 ignores make a difference here.
    #[test]
    fn invisible_characters_make_names_different() {
        let invisible = name_from(&[(DnType::CommonName, utf8("back\u{200b}up"))]);
        assert_ne!(Ok(invisible), Name::parse("CN=backup"));
        assert!(Name::parse("CN=back\u{200b}up").is_err());
        assert_eq!(
            name_from(&[(DnType::CommonName, utf8("\u{200b}"))]).to_string(),
            "CN=\\e2\\80\\8b"
        );
    }

    #[test]
    fn string_types_are_equivalent() {
        let bmp = rcgen::string::BmpString::try_from("Bäckup").unwrap();
        let universal = rcgen::string::UniversalString::try_from("Bäckup").unwrap();
        for value in [utf8("Bäckup"), DnValue::BmpString(bmp), DnValue::UniversalString(universal)]
        {
            assert_eq!(Ok(name_from(&[(DnType::CommonName, value)])), Name::parse("CN=bäckup"));
        }
    }

    #[test]
    fn an_invalid_name_is_refused() {
        for text in [
            "",
            "backup",
            "=a",
            "CN=a,",
            ",CN=a",
            "CN=a;O=b",
            "CN=a, O=b",
            "CN =a",
            "CN= a",
            "CN=a ,O=b",
            "CN=a\\\\ ",
            "CN=\"a\"",
            "CN=a\\",
            "CN=a\\g1",
            "CN=a\\c3",
            "CN=\\ff",
            "CN=\\00",
            "CN=#",
            "CN=#0",
            "CN=#zz",
            "CN=#0c02",
            "CN=#0c0161ff",
            "XY=a",
            "1=a",
            "1..2=a",
            "01.2=a",
            "OID.2.5.4.3=a",
            &"x".repeat(1025),
        ] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
        for text in ["CN=", "CN=\\ a\\ ", "CN=a=b", "CN=\\#a", "CN=a#", "CN=#0c00"] {
            let name = Name::parse(text).unwrap();
            assert_eq!(Name::parse(&name.to_string()), Ok(name), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_causes_a_panic_and_names_round_trip(text in "\\PC{0,60}", free in ".{0,40}") {
            let _ = Name::parse(&free);
            let name = name_from(&[(DnType::CommonName, utf8(&text))]);
            let again = Name::parse(&name.to_string());
            proptest::prop_assert!(again.is_err() || again == Ok(name));
        }
    }
}
