//! What all types of validated text have in common.

/// Implements the text traits for a tuple struct that has `new`. All of them call `new`, so that
/// parsed and deserialized values are validated too.
macro_rules! checked_text {
    ($type:ident) => {
        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({})", stringify!($type), self.0)
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl ::std::str::FromStr for $type {
            type Err = $crate::Error;
            fn from_str(text: &str) -> $crate::Result<Self> {
                Self::new(text)
            }
        }
        impl TryFrom<&str> for $type {
            type Error = $crate::Error;
            fn try_from(text: &str) -> $crate::Result<Self> {
                Self::new(text)
            }
        }
        impl TryFrom<String> for $type {
            type Error = $crate::Error;
            fn try_from(text: String) -> $crate::Result<Self> {
                Self::new(text.as_str())
            }
        }
        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(
                &self,
                to: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                from: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let text = <String as ::serde::Deserialize>::deserialize(from)?;
                Self::new(text.as_str()).map_err(::serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use checked_text;

#[cfg(test)]
mod tests {
    use crate::{ClientId, Scope, TenantId};
    use serde_json::{from_str, to_string};

    #[test]
    fn text_is_validated_by_every_conversion() {
        for scope in ["User.Read", "https://ml.azure.com/.default"] {
            let read: Scope = from_str(&format!("\"{scope}\"")).unwrap();
            assert_eq!(read, scope.parse().unwrap());
            assert_eq!(read, Scope::try_from(scope).unwrap());
            assert_eq!(read, Scope::try_from(scope.to_owned()).unwrap());
            assert_eq!(read.as_ref(), scope);
            assert_eq!(to_string(&read).unwrap(), format!("\"{scope}\""));
        }
        assert!(from_str::<Scope>("\"two scopes\"").is_err());
        assert!(from_str::<Scope>("7").is_err());
        assert!(from_str::<TenantId>("\"contoso.com/../x\"").is_err());
        let error = from_str::<ClientId>("\"\"").unwrap_err().to_string();
        assert!(error.contains("a client id is"), "{error}");
        let tenant: TenantId = from_str(r#""contoso\u002ecom""#).unwrap();
        assert_eq!(to_string(&tenant).unwrap(), "\"contoso.com\"");
    }
}
