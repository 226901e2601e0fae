//! `wmma` (PTX ISA, "Warp Level Matrix Load/Store/Multiply-Accumulate Instructions: wmma"): matrices
//! that are loaded, multiplied and stored as fragments, whose distribution over the lanes is the
//! device's own.
//!
//! Here a fragment is made of the fragments of [`Mma`], so that a product is one `mma` or several: the
//! first matrix is cut into blocks of 16 rows, or of 8 where it has no more, and the second one into
//! blocks of 8 columns. Where a lane has more registers than elements, as with `.f16`, the registers are
//! repeated.

use crate::simt::matrix::Mma;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::types::Type;

/// Rows, columns and depth of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    rows: u8,
    columns: u8,
    depth: u8,
}

impl Shape {
    fn of(modifiers: &Modifiers) -> Option<Shape> {
        use Modifier::{M8N8K4, M8N8K32, M8N8K128, M8N32K16, M16N16K8, M16N16K16, M32N8K16};
        let shapes = [
            (M8N8K4, 8, 8, 4),
            (M8N8K32, 8, 8, 32),
            (M8N8K128, 8, 8, 128),
            (M8N32K16, 8, 32, 16),
            (M16N16K8, 16, 16, 8),
            (M16N16K16, 16, 16, 16),
            (M32N8K16, 32, 8, 16),
        ];
        let (_, rows, columns, depth) =
            shapes.into_iter().find(|(word, ..)| modifiers.has(*word))?;
        Some(Shape {
            rows,
            columns,
            depth,
        })
    }

    /// The rows of a block.
    fn block_rows(self) -> u8 {
        self.rows.min(16)
    }

    fn row_blocks(self) -> usize {
        usize::from(self.rows / self.block_rows())
    }

    fn column_blocks(self) -> usize {
        usize::from(self.columns / 8)
    }

    /// The product of a block, of elements of these types.
    fn block(self, [a, b, sum]: [Type; 3], modifiers: &Modifiers) -> Mma {
        Mma::new(
            (self.block_rows(), self.depth.into()),
            [a, b, sum],
            modifiers,
        )
    }
}

/// `wmma.mma`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wmma {
    shape: Shape,
    /// The product of each block.
    pub mma: Mma,
    /// The types of the result and of what is added: where one of them is `.f16` and the other is not,
    /// the product is one of `.f32`.
    pub result: Type,
    pub added: Type,
}

/// The registers of one block, by the fragments that they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WmmaBlock {
    pub a: std::ops::Range<usize>,
    pub b: std::ops::Range<usize>,
    pub sum: std::ops::Range<usize>,
}

impl Wmma {
    /// `None` where the instruction is another one.
    pub(crate) fn of(modifiers: &Modifiers) -> Option<Wmma> {
        let shape = Shape::of(modifiers)?;
        let mut types = modifiers.types();
        let (result, second) = (types.next()?, types.next()?);
        // With factors of `.f16` only the sums have a type.
        let (a, b, added) = match (types.next(), types.next()) {
            (Some(b), Some(added)) => (second, b, added),
            _ => (Type::F16, Type::F16, second),
        };
        let sum = if result == added { result } else { Type::F32 };
        Some(Wmma {
            shape,
            mma: shape.block([a, b, sum], modifiers),
            result,
            added,
        })
    }

    /// The blocks, row after row.
    pub(crate) fn blocks(self) -> Vec<WmmaBlock> {
        let (a, b, sum) = (
            self.mma.a_registers(),
            self.mma.b_registers(),
            self.mma.sum_registers(),
        );
        let range = |number: usize, count: usize| number * count..(number + 1) * count;
        let columns = self.shape.column_blocks();
        let all = 0..self.shape.row_blocks() * columns;
        all.map(|block| WmmaBlock {
            a: range(block / columns, a),
            b: range(block % columns, b),
            sum: range(block, sum),
        })
        .collect()
    }
}

/// Which matrix a fragment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    A,
    B,
    /// The one that is added, and the result.
    Sum,
}

/// What a lane loads and stores of a matrix in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    shape: Shape,
    role: Role,
    mma: Mma,
    pub ty: Type,
    is_row_major: bool,
}

/// One access of a register: where its elements lie, from those of the lane's first register on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FragmentAccess {
    /// So many rows of memory further: rows of the matrix where it lies row after row, else columns.
    pub lines: u8,
    /// So many bytes further.
    pub bytes: u8,
    /// Where in the register its lowest bit lies.
    pub shift: u8,
}

impl Fragment {
    /// `None` where the instruction is another one.
    pub(crate) fn of(modifiers: &Modifiers) -> Option<Fragment> {
        let shape = Shape::of(modifiers)?;
        let ty = modifiers.ty();
        let role = if modifiers.has(Modifier::MatrixA) {
            Role::A
        } else if modifiers.has(Modifier::MatrixB) {
            Role::B
        } else {
            Role::Sum
        };
        let types = match role {
            Role::Sum => [Type::F16, Type::F16, ty],
            _ => [ty, ty, Type::F32],
        };
        Some(Fragment {
            shape,
            role,
            mma: shape.block(types, modifiers),
            ty,
            is_row_major: modifiers.has(Modifier::RowMajor),
        })
    }

    /// How many elements lie between two lines of memory where the instruction does not say it.
    pub(crate) fn default_stride(self) -> u32 {
        let Shape {
            rows,
            columns,
            depth,
        } = self.shape;
        let (rows, columns) = match self.role {
            Role::A => (rows, depth),
            Role::B => (depth, columns),
            Role::Sum => (rows, columns),
        };
        u32::from(if self.is_row_major { columns } else { rows })
    }

    /// Whether groups of four lanes have lines of memory, and their places elements along them; else it
    /// is the other way round.
    pub(crate) fn groups_have_lines(self) -> bool {
        (self.role == Role::B) != self.is_row_major
    }

    /// How many neighbouring elements each place of a group has in a register, or in two.
    pub(crate) fn elements_of_place(self) -> u32 {
        match self.role {
            Role::Sum => 2,
            _ => self.mma.packed() as u32,
        }
    }

    /// Elements of a register.
    fn packed(self) -> u32 {
        (32 / self.ty.bits()).max(1)
    }

    /// How many bytes each access moves.
    pub(crate) fn access_bytes(self) -> u8 {
        if self.groups_have_lines() {
            self.ty.bytes().max(4) as u8
        } else {
            self.ty.bytes() as u8
        }
    }

    /// The accesses of each register that is not a repetition.
    pub(crate) fn registers(self) -> Vec<Vec<FragmentAccess>> {
        let halves = usize::from(self.shape.block_rows() / 8);
        let slab = 4 * self.mma.packed();
        // Where the first element of each register lies: its number in the direction of the groups, and
        // in that of their places.
        let mut places: Vec<(usize, usize)> = Vec::new();
        match self.role {
            Role::A => {
                for block in 0..self.shape.row_blocks() {
                    let registers = 0..self.mma.a_registers();
                    places.extend(registers.map(|register| {
                        let row = 16 * block + 8 * (register % halves);
                        (row, register / halves * slab)
                    }));
                }
            }
            Role::B => {
                for block in 0..self.shape.column_blocks() {
                    let registers = 0..self.mma.b_registers();
                    places.extend(registers.map(|register| (8 * block, register * slab)));
                }
            }
            Role::Sum => {
                let in_row = 2 / self.packed() as usize;
                for row in 0..self.shape.row_blocks() {
                    for column in 0..self.shape.column_blocks() {
                        let registers = 0..self.mma.sum_registers();
                        places.extend(registers.map(|register| {
                            (
                                16 * row + 8 * (register / in_row),
                                8 * column + register % in_row,
                            )
                        }));
                    }
                }
            }
        }
        let bits = self.ty.bits() as usize;
        let accesses = |(group, place): (usize, usize)| {
            if self.groups_have_lines() {
                return vec![FragmentAccess {
                    lines: group as u8,
                    bytes: (place * bits / 8) as u8,
                    shift: 0,
                }];
            }
            let elements = 0..self.packed() as usize;
            elements
                .map(|element| FragmentAccess {
                    lines: (place + element) as u8,
                    bytes: (group * bits / 8) as u8,
                    shift: (element * bits) as u8,
                })
                .collect()
        };
        places.into_iter().map(accesses).collect()
    }
}
