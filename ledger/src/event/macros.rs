//! `event!` declares one kind; `kinds!` makes the sums over all of them.

/// Declares the body of a kind: its type, its name, whether it needs a component, its fields.
macro_rules! event {
    (
        $(#[doc = $doc:literal])+
        $kind:literal $name:ident $component:ident {
            $( $(#[doc = $field_doc:literal])+ $need:ident $field:ident: $ty:ty, )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, serde::Deserialize, schemars::JsonSchema)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: event!(@type $need $ty), )*
        }

        impl $name {
            pub(crate) const SPEC: crate::event::KindSpec = crate::event::KindSpec {
                kind: crate::event::Kind::$name,
                name: $kind,
                doc: concat!($($doc),+),
                needs_component: event!(@component $component),
                fields: &[ $( crate::event::FieldSpec {
                    name: stringify!($field),
                    doc: concat!($($field_doc),+),
                    required: event!(@required $need),
                    ty: <$ty as crate::event::field::FieldValue>::TYPE,
                    is_prose: <$ty as crate::event::field::FieldValue>::IS_PROSE,
                }, )* ],
            };

            pub(crate) fn seals(&self, seals: &mut Vec<(String, crate::event::Sealed)>) {
                $( event!(@seals $need self $field seals); )*
            }

            pub(crate) fn prose_mut(&mut self, visit: &mut dyn FnMut(&mut crate::event::Prose)) {
                $( event!(@prose_mut $need self $field visit); )*
            }
        }
    };
    (@seals required $self:ident $field:ident $seals:ident) => {
        crate::event::field::FieldValue::seals(&$self.$field, stringify!($field), $seals);
    };
    (@seals optional $self:ident $field:ident $seals:ident) => {
        if let Some(value) = &$self.$field {
            crate::event::field::FieldValue::seals(value, stringify!($field), $seals);
        }
    };
    (@prose_mut required $self:ident $field:ident $visit:ident) => {
        crate::event::field::FieldValue::prose_mut(&mut $self.$field, $visit);
    };
    (@prose_mut optional $self:ident $field:ident $visit:ident) => {
        if let Some(value) = &mut $self.$field {
            crate::event::field::FieldValue::prose_mut(value, $visit);
        }
    };
    (@type required $ty:ty) => { $ty };
    (@type optional $ty:ty) => { Option<$ty> };
    (@required required) => { true };
    (@required optional) => { false };
    (@component of_component) => { true };
    (@component of_book) => { false };
}

/// Makes `Kind`, `Body` and what ranges over all kinds.
macro_rules! kinds {
    ($( $module:ident :: $name:ident, )+) => {
        /// A kind of event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each variant is documented on the type that it names")]
        pub enum Kind { $( $name, )+ }

        /// The fields that the kind adds.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "each variant is documented on the type that it holds")]
        pub enum Body { $( $name($module::$name), )+ }

        impl Kind {
            /// All kinds, in the order of the contract.
            pub const ALL: &'static [Self] = &[ $( Self::$name, )+ ];

            /// Returns what is known of the kind.
            pub fn spec(self) -> &'static KindSpec {
                match self { $( Self::$name => const { &$module::$name::SPEC }, )+ }
            }
        }

        impl Body {
            /// Returns the kind of these fields.
            pub fn kind(&self) -> Kind {
                match self { $( Self::$name(_) => Kind::$name, )+ }
            }

            fn seals(&self, seals: &mut Vec<(String, Sealed)>) {
                match self { $( Self::$name(spec) => spec.seals(seals), )+ }
            }

            fn prose_mut(&mut self, visit: &mut dyn FnMut(&mut Prose)) {
                match self { $( Self::$name(spec) => spec.prose_mut(visit), )+ }
            }

            fn read(kind: Kind, value: serde_json::Value) -> Result<Self, ShapeError> {
                Ok(match kind { $( Kind::$name => Self::$name(read(value)?), )+ })
            }
        }

        pub(crate) fn body_schema(
            kind: Kind,
            generator: &mut schemars::SchemaGenerator,
        ) -> schemars::Schema {
            use schemars::JsonSchema as _;
            match kind { $( Kind::$name => $module::$name::json_schema(generator), )+ }
        }
    };
}
