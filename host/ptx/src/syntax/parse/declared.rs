//! What a declaration of a variable says: its name, its type, and how much memory it stands for.

use crate::syntax::diagnostic::Position;
use crate::syntax::types::Type;

/// What is declared: a name, and how much memory it stands for.
#[derive(Debug)]
pub(crate) struct Declared<'a> {
    pub name: &'a str,
    pub at: Position,
    pub ty: Type,
    pub align: u32,
    /// Empty for a scalar; only the first may be absent.
    pub dimensions: Vec<Option<u64>>,
    /// Elements of a vector type.
    pub lanes: u32,
}

impl Declared<'_> {
    /// The size in bytes, where it is declared and is not absurd.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.dimensions
            .iter()
            .try_fold(u64::from(self.element()), |bytes, dimension| {
                bytes.checked_mul((*dimension)?)
            })
    }

    fn element(&self) -> u32 {
        self.ty.bytes() * self.lanes
    }

    /// Whether it is one number.
    pub(crate) fn is_scalar(&self) -> bool {
        self.dimensions.is_empty() && self.lanes == 1
    }

    pub(crate) fn is_unsized(&self) -> bool {
        self.dimensions.first() == Some(&None)
    }
}
