//! How a key is declared: [`table!`] turns one declaration into the struct, its defaults, the reader,
//! `config show`, the example, the JSON Schema and the reference, so they cannot drift.

use std::path::PathBuf;

use super::value::Value;

/// The description of a table. The keys before the first table are in one without a name.
#[derive(Debug)]
pub(super) struct Table {
    /// `http`, or nothing.
    pub(super) name: &'static str,
    /// Its documentation.
    pub(super) doc: String,
    /// Its keys, in order.
    pub(super) keys: Vec<Key>,
}

impl Table {
    /// Describes a table.
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

/// The prefix of every environment variable.
pub(super) const PREFIX: &str = "GATEWRIGHT_";

/// A short name for `GATEWRIGHT_LOG__LEVEL`.
pub(super) const LOG: &str = "GATEWRIGHT_LOG";

/// A table, a key, and its value for `config show`.
pub(super) type DisplayValue = (&'static str, &'static str, Option<toml_edit::Value>);

/// The description of a key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name within the table.
    pub(super) name: &'static str,
    /// Its documentation.
    pub(super) doc: String,
    /// The accepted values, in words.
    pub(super) form: &'static str,
    /// The default, as TOML.
    pub(super) default: Option<String>,
    /// An example, as TOML, where there is no default.
    pub(super) example: Option<String>,
    /// The smallest and the largest value, as TOML.
    pub(super) within: Option<(String, String)>,
    /// Whether it is required.
    pub(super) required: bool,
    /// The key that names a file with the secret, for a secret.
    pub(super) file: Option<&'static str>,
    /// Its JSON Schema.
    pub(super) schema: serde_json::Value,
}

/// A key as [`table!`] declares it.
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

    /// The description of the key.
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
                "A file that contains only `{}`, so that the secret is neither in this file nor in \
                 the environment. Setting both is an error.",
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

/// `None`, or `Some` of the arguments.
macro_rules! optional {
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

/// Declares a table: its name, its struct and its keys. A key reads `name: Type = default`, then, after commas
/// and in this order: `within least, most`; `such as "…"` for one without a default; `required "because …"`;
/// `or name_file` for a secret that may be in a file.
macro_rules! table {
    (
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
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $(
                $(#[doc = $key_doc])+
                pub $key: $type,
                $(
                    #[doc = concat!("The file that `", stringify!($key), "` was read from.")]
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
            $(const $key: $crate::table::Spec<$type> = $crate::table::Spec {
                table: stringify!($table),
                name: stringify!($key),
                default: || $default,
                within: || optional!($($least, $most)?),
                required: optional!($($because)?),
                example: optional!($($example)?),
                file: optional!($(stringify!($file))?),
                doc: &[$($key_doc),+],
            };)*

            /// The table and its keys.
            pub(super) fn describe() -> $crate::table::Table {
                let keys = vec![
                    $(Self::$key.describe(), $(Self::$key.describe_file(stringify!($file)),)?)*
                ];
                $crate::table::Table::of(stringify!($table), &[$($doc),+], keys)
            }

            /// Reads every key; a problem is recorded, and the default taken instead.
            pub(super) fn read(source: &mut $crate::source::Reader<'_>) -> Self {
                $(
                    $(let $file = source.secret_file(&Self::$key, stringify!($file));)?
                    let $key = source.key(&Self::$key);
                )*
                Self { $($key, $($file,)?)* }
            }

            /// Every key with its value, secrets redacted.
            pub(super) fn display_values(&self) -> Vec<$crate::table::DisplayValue> {
                vec![$(
                    (stringify!($table), stringify!($key), $crate::value::Value::show(&self.$key)),
                    $((
                        stringify!($table),
                        stringify!($file),
                        $crate::value::Value::show(&self.$file),
                    ),)?
                )*]
            }
        }
    };
}

/// Declares the whole configuration: the keys before the first table, and the tables in their order.
macro_rules! root {
    (
        $(#[doc = $doc:literal])+
        $root:ident {
            $(
                $(#[doc = $key_doc:literal])+
                $key:ident: $type:ty = $default:expr, such as $example:literal, required $because:literal;
            )*
        }

        $($table:ident: $name:ident,)*
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub struct $root {
            $($(#[doc = $key_doc])+ pub $key: $type,)*
            $(
                #[doc = concat!("`[", stringify!($table), "]`")]
                pub $table: $name,
            )*
        }

        #[expect(non_upper_case_globals, reason = "each is named for its key")]
        impl $root {
            $(const $key: $crate::table::Spec<$type> = $crate::table::Spec {
                table: "",
                name: stringify!($key),
                default: || $default,
                within: || None,
                required: Some($because),
                example: Some($example),
                file: None,
                doc: &[$($key_doc),+],
            };)*

            /// Every table and every key.
            pub(crate) fn tables() -> Vec<$crate::table::Table> {
                let keys = vec![$(Self::$key.describe(),)*];
                vec![$crate::table::Table::of("", &[$($doc),+], keys), $($name::describe(),)*]
            }

            /// Reads every key; a problem is recorded, and the default taken instead.
            pub(crate) fn read(source: &mut Reader<'_>) -> Self {
                Self {
                    $($key: source.key(&Self::$key),)*
                    $($table: $name::read(source),)*
                }
            }

            /// Every key with its value, secrets redacted, in the order of the declaration.
            pub(crate) fn display_values(&self) -> Vec<$crate::table::DisplayValue> {
                let mut all =
                    vec![$(("", stringify!($key), $crate::value::Value::show(&self.$key)),)*];
                $(all.extend(self.$table.display_values());)*
                all
            }
        }
    };
}

pub(super) use {optional, root, table};
