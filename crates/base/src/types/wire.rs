//! [`wire_enum!`](crate::wire_enum): enums whose variants have a fixed name in messages, in the
//! database or on the command line.

#[doc(hidden)]
pub use serde;

pub use crate::wire_enum;

/// Declares enums with a name for each variant, and derives from it `ALL`, `as_str`, `parse`,
/// `Display`, `Serialize` and `Deserialize`. Names are compared exactly. `= "name" as 3` also sets the
/// variant's number.
///
/// ```
/// gatewright_base::wire_enum! {
///     /// A colour.
///     pub enum Colour {
///         /// The colour of the sky.
///         Blue = "blue",
///         /// The colour of grass.
///         Green = "green",
///     }
/// }
///
/// assert_eq!(Colour::parse("blue"), Some(Colour::Blue));
/// assert_eq!(Colour::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! wire_enum {
    ($(
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $wire:literal $(as $number:tt)?,)+
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$variant_meta])* $variant $(= $number)?,)+
        }

        impl $name {
            /// All variants, in the order of their declaration.
            $vis const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name of the variant.
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)+
                }
            }

            /// The variant with this name.
            $vis fn parse(name: &str) -> Option<Self> {
                match name {
                    $($wire => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::types::wire::serde::Serialize for $name {
            fn serialize<S: $crate::types::wire::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::types::wire::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::types::wire::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let name = <::std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&name).ok_or_else(|| {
                    $crate::types::wire::serde::de::Error::unknown_variant(&name, &[$($wire,)+])
                })
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    crate::wire_enum! {
        enum Size {
            Small = "small",
            Large = "large",
        }
    }

    #[test]
    fn a_variant_has_one_name_in_every_form() {
        for size in Size::ALL {
            let name = size.as_str();
            assert_eq!((Size::parse(name), size.to_string().as_str()), (Some(*size), name));
            let json = serde_json::to_string(size).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Size>(&json).unwrap(), *size);
            assert_eq!(serde_json::from_value::<Size>(name.into()).unwrap(), *size);
        }
        assert_eq!(Size::parse("SMALL"), None);
        let error = serde_json::from_str::<Size>("\"huge\"").unwrap_err().to_string();
        assert!(error.contains("unknown variant `huge`, expected `small` or `large`"), "{error}");
    }
}
