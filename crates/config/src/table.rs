//! The one place where a key is declared: [`settings!`] makes of it the struct, its defaults, the
//! reader, `config show`, the example, the JSON Schema and the reference, so they cannot drift.

use std::path::PathBuf;

use super::value::Value;

/// A table of the configuration, described. The keys before the first table are in one without a
/// name.
#[derive(Debug)]
pub(super) struct Table {
    /// `http`, or nothing.
    pub(super) name: &'static str,
    /// What it is about.
    pub(super) doc: String,
    /// Its keys, in order.
    pub(super) keys: Vec<Key>,
}

impl Table {
    /// Puts it together.
    pub(super) fn of(name: &'static str, doc: &[&str], keys: Vec<Key>) -> Self {
        Self { name, doc: joined(doc), keys }
    }

    /// The key with its table: `http.listen`.
    pub(super) fn path(&self, key: &Key) -> String {
        path(self.name, key.name)
    }
}

/// `http.listen`, or `issuer` where there is no table.
pub(super) fn path(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// The variable that overrides a key: `GATEWRIGHT_HTTP__LISTEN`.
pub(super) fn variable(table: &str, key: &str) -> String {
    let path = if table.is_empty() { key.to_owned() } else { format!("{table}__{key}") };
    format!("{PREFIX}{}", path.to_uppercase())
}

/// What our environment variables begin with.
pub(super) const PREFIX: &str = "GATEWRIGHT_";

/// A key of the configuration, described.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name within the table.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) doc: String,
    /// What to write, in words.
    pub(super) form: &'static str,
    /// What holds when nobody says anything, as TOML.
    pub(super) default: Option<String>,
    /// What could stand there, as TOML, where there is no default.
    pub(super) example: Option<String>,
    /// The smallest and the largest value, as TOML.
    pub(super) within: Option<(String, String)>,
    /// Whether it has to be given.
    pub(super) required: bool,
    /// The key that names a file with the secret, for a secret.
    pub(super) file: Option<&'static str>,
    /// Its JSON Schema.
    pub(super) schema: serde_json::Value,
}

/// A key as [`settings!`] declares it.
pub(super) struct Spec<T> {
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    pub(super) default: fn() -> T,
    pub(super) within: fn() -> Option<(T, T)>,
    pub(super) required: Option<&'static str>,
    pub(super) example: Option<&'static str>,
    pub(super) file: Option<&'static str>,
    pub(super) doc: &'static [&'static str],
}

impl<T: Value> Spec<T> {
    /// `http.listen`.
    pub(super) fn path(&self) -> String {
        path(self.table, self.name)
    }

    /// The description of it.
    pub(super) fn describe(&self) -> Key {
        let within = (self.within)();
        let within = within.as_ref();
        let sizes = within.and_then(|(least, most)| Some((least.measure()?, most.measure()?)));
        let default = (self.default)().show().map(|value| value.to_string());
        let example = self.example.map(|text| format!("\"{text}\""));
        let required = self.required.is_some();
        let (default, example) =
            if required { (None, example.or(default)) } else { (default, example) };
        Key {
            name: self.name,
            doc: joined(self.doc),
            form: T::FORM,
            default,
            example,
            within: within.and_then(|(least, most)| {
                Some((least.show()?.to_string(), most.show()?.to_string()))
            }),
            required,
            file: self.file,
            schema: T::schema(sizes),
        }
    }

    /// The description of the key that names a file with it.
    pub(super) fn describe_file(&self, name: &'static str) -> Key {
        Key {
            name,
            doc: format!(
                "A file that holds `{}` and nothing else, so that the secret stands neither in \
                 this file nor in the environment. Giving both is an error.",
                self.name
            ),
            form: PathBuf::FORM,
            default: None,
            example: Some(format!("\"/run/secrets/{}_{}\"", self.table, self.name)),
            within: None,
            required: false,
            file: None,
            schema: PathBuf::schema(None),
        }
    }
}

/// The lines of a doc comment as paragraphs.
pub(super) fn joined(doc: &[&str]) -> String {
    let mut text = String::new();
    for line in doc {
        match line.trim() {
            "" => text.push_str("\n\n"),
            line => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push(' ');
                }
                text.push_str(line);
            }
        }
    }
    text
}

/// `None`, or what is given.
macro_rules! given {
    () => {
        None
    };
    ($one:expr) => {
        Some($one)
    };
    ($one:expr, $other:expr) => {
        Some(($one, $other))
    };
}

/// Declares the configuration. A key reads `name: Type = default`, then, after commas and in this
/// order: `within least, most`; `such as "…"` for one without a default; `required "because …"`;
/// `or name_file` for a secret that may stand in a file.
macro_rules! settings {
    (
        $(#[doc = $root_doc:literal])+
        $root:ident {
            $(
                $(#[doc = $root_key_doc:literal])+
                $root_key:ident: $root_type:ty = $root_default:expr,
                    such as $root_example:literal,
                    required $root_because:literal;
            )*
        }
        $(
            $(#[doc = $doc:literal])+
            $table:ident: $name:ident {
                $(
                    $(#[doc = $key_doc:literal])+
                    $key:ident: $type:ty = $default:expr
                        $(, within $least:expr, $most:expr)?
                        $(, such as $example:literal)?
                        $(, required $because:literal)?
                        $(, or $file:ident)?;
                )*
            }
        )*
    ) => {
        $(#[doc = $root_doc])+
        #[derive(Clone, Debug)]
        pub struct $root {
            $($(#[doc = $root_key_doc])+ pub $root_key: $root_type,)*
            $($(#[doc = $doc])+ pub $table: $name,)*
        }

        #[expect(non_upper_case_globals, reason = "each is named for its key")]
        impl $root {
            $(const $root_key: table::Spec<$root_type> = table::Spec {
                table: "",
                name: stringify!($root_key),
                default: || $root_default,
                within: || None,
                required: Some($root_because),
                example: Some($root_example),
                file: None,
                doc: &[$($root_key_doc),+],
            };)*

            /// Every table and every key.
            fn tables() -> Vec<table::Table> {
                let keys = vec![$(Self::$root_key.describe(),)*];
                vec![table::Table::of("", &[$($root_doc),+], keys), $($name::table(),)*]
            }

            /// Reads every key; what is wrong is noted, and its default taken meanwhile.
            fn read(source: &mut source::Reader<'_>) -> Self {
                Self {
                    $($root_key: source.key(&Self::$root_key),)*
                    $($table: $name::read(source),)*
                }
            }

            /// Every key with its value, secrets blinded, in the order of the declaration.
            fn shown(&self) -> Vec<(&'static str, &'static str, Option<toml_edit::Value>)> {
                let mut all = vec![$(("", stringify!($root_key), self.$root_key.show()),)*];
                $(all.extend(self.$table.shown());)*
                all
            }
        }

        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug)]
            pub struct $name {
                $(
                    $(#[doc = $key_doc])+
                    pub $key: $type,
                    $(
                        #[doc = concat!("The file that `", stringify!($key), "` came from.")]
                        pub $file: Option<std::path::PathBuf>,
                    )?
                )*
            }

            impl Default for $name {
                fn default() -> Self {
                    Self { $($key: $default, $($file: None,)?)* }
                }
            }

            #[expect(non_upper_case_globals, reason = "each is named for its key")]
            impl $name {
                $(const $key: table::Spec<$type> = table::Spec {
                    table: stringify!($table),
                    name: stringify!($key),
                    default: || $default,
                    within: || given!($($least, $most)?),
                    required: given!($($because)?),
                    example: given!($($example)?),
                    file: given!($(stringify!($file))?),
                    doc: &[$($key_doc),+],
                };)*

                fn table() -> table::Table {
                    let keys = vec![
                        $(Self::$key.describe(), $(Self::$key.describe_file(stringify!($file)),)?)*
                    ];
                    table::Table::of(stringify!($table), &[$($doc),+], keys)
                }

                fn read(source: &mut source::Reader<'_>) -> Self {
                    $(
                        $(let $file = source.secret_file(&Self::$key, stringify!($file));)?
                        let $key = source.key(&Self::$key);
                    )*
                    Self { $($key, $($file,)?)* }
                }

                fn shown(&self) -> Vec<(&'static str, &'static str, Option<toml_edit::Value>)> {
                    vec![$(
                        (stringify!($table), stringify!($key), self.$key.show()),
                        $((stringify!($table), stringify!($file), self.$file.show()),)?
                    )*]
                }
            }
        )*
    };
}

pub(super) use {given, settings};
