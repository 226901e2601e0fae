//! Views of buffers with a shape: which elements lie where, by a stride for each dimension, as in NumPy and
//! PyTorch. A view is a few numbers: to transpose, cut or split one moves nothing.
//!
//! ```no_run
//! use tensor_wasm_guest::{Device, Result, Tensor};
//!
//! fn main() -> Result<()> {
//!     let queue = Device::open()?.queue()?;
//!     // Queries, keys and values of 10 tokens, as one product gives them, with 4 heads of 16 numbers.
//!     let all = queue.upload(&[0.5f32; 10 * 3 * 64])?;
//!     let out = queue.upload(&[0f32; 10 * 64])?;
//!     let all = Tensor::new(&all, &[1, 10, 3, 4, 16])?;
//!     let part = |which| all.select(2, which)?.permute(&[0, 2, 1, 3]);
//!     let heads = Tensor::new(&out, &[1, 10, 4, 16])?.permute(&[0, 2, 1, 3])?;
//!     queue.attention(part(0)?, part(1)?, part(2)?, heads).submit()?;
//!     Ok(())
//! }
//! ```

use std::fmt;
use std::ops::Range;

use crate::buffer::{Buffer, FromIndex};
use crate::error::{Error, Result};
use crate::linear_algebra::Matrix;

/// The most dimensions that a [`Tensor`] has.
pub const MOST_DIMENSIONS: usize = 6;

/// Elements of a buffer in some dimensions.
pub struct Tensor<'a, T> {
    place: FromIndex<'a, T>,
    rank: usize,
    shape: [u64; MOST_DIMENSIONS],
    /// In elements.
    strides: [u64; MOST_DIMENSIONS],
}

impl<T> Clone for Tensor<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Tensor<'_, T> {}

impl<T> fmt::Debug for Tensor<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let element = std::any::type_name::<T>();
        write!(f, "Tensor<{element}>({})", self.said())
    }
}

impl<'a, T> Tensor<'a, T> {
    /// Elements behind one another, the last dimension's next to each other, at the beginning of a buffer or
    /// [from an index](Buffer::from_index) on.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the buffer has fewer elements, [`Error::InvalidLaunch`] for more than
    /// [`MOST_DIMENSIONS`].
    pub fn new(place: impl Into<FromIndex<'a, T>>, shape: &[u64]) -> Result<Tensor<'a, T>> {
        let mut strides = [1; MOST_DIMENSIONS];
        let mut stride = 1u64;
        for (at, extent) in shape.iter().enumerate().rev() {
            if let Some(place) = strides.get_mut(at) {
                *place = stride;
            }
            // Where it overflows, no buffer has the elements, or there are none.
            stride = stride.saturating_mul(*extent);
        }
        let strides = strides.get(..shape.len()).unwrap_or(&strides);
        Tensor::with_strides(place, shape, strides)
    }

    /// Elements that lie as far apart in each dimension as `strides` says, in elements. A stride of 0 repeats
    /// what is there, which the host takes of the batch of a factor of a product, and of queries, keys and
    /// values; else it is refused where the tensor is used.
    ///
    /// # Errors
    /// As those of [`new`](Tensor::new), and where there are not as many strides as dimensions.
    pub fn with_strides(
        place: impl Into<FromIndex<'a, T>>,
        shape: &[u64],
        strides: &[u64],
    ) -> Result<Tensor<'a, T>> {
        if shape.len() > MOST_DIMENSIONS || strides.len() != shape.len() {
            return Err(Error::InvalidLaunch(format!(
                "a tensor of {} with {} strides: there may be {MOST_DIMENSIONS} dimensions at most, each with a stride",
                said(shape),
                strides.len()
            )));
        }
        let mut tensor = Tensor {
            place: place.into(),
            rank: shape.len(),
            shape: [1; MOST_DIMENSIONS],
            strides: [0; MOST_DIMENSIONS],
        };
        for (at, (extent, stride)) in shape.iter().zip(strides).enumerate() {
            tensor.shape[at] = *extent;
            tensor.strides[at] = *stride;
        }
        tensor.check()?;
        Ok(tensor)
    }

    /// Whether the last element lies within the buffer.
    fn check(&self) -> Result<()> {
        let (len, index) = (self.place.buffer.len(), self.place.index);
        let dimensions = self.shape().iter().zip(self.strides());
        let last = dimensions.map(|(extent, stride)| extent.saturating_sub(1).checked_mul(*stride));
        let end = match self.is_empty() {
            true => Some(index),
            false => last
                .into_iter()
                .try_fold(index, |sum, last| sum.checked_add(last?))
                .and_then(|last| last.checked_add(1)),
        };
        match end {
            Some(end) if end <= len => Ok(()),
            _ => Err(Error::OutOfRange(format!(
                "a tensor of {} from element {index} on does not lie within a buffer of {len} elements",
                self.said()
            ))),
        }
    }

    /// How many elements there are in each dimension.
    pub fn shape(&self) -> &[u64] {
        &self.shape[..self.rank]
    }

    /// How far apart elements lie in each dimension, in elements.
    pub fn strides(&self) -> &[u64] {
        &self.strides[..self.rank]
    }

    /// How many elements it has.
    pub fn len(&self) -> u64 {
        // A stride of 0 may have more of them than a buffer.
        let product = |product: u64, extent: &u64| product.saturating_mul(*extent);
        self.shape().iter().fold(1, product)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Whether elements lie behind one another, in order and without gaps.
    pub fn is_contiguous(&self) -> bool {
        let mut stride = 1u64;
        self.shape()
            .iter()
            .zip(self.strides())
            .rev()
            .all(|(extent, own)| {
                let fits = *extent == 1 || *own == stride;
                stride = stride.saturating_mul(*extent);
                fits
            })
    }

    /// The same elements with the dimensions in this order: `permute(&[1, 0])` transposes a matrix.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] unless each dimension is named once.
    pub fn permute(&self, order: &[usize]) -> Result<Tensor<'a, T>> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted != (0..self.rank).collect::<Vec<usize>>() {
            return Err(self.invalid(&format!(
                "the dimensions {order:?} are not each of those once that it has"
            )));
        }
        let mut result = *self;
        for (to, from) in order.iter().enumerate() {
            result.shape[to] = self.shape[*from];
            result.strides[to] = self.strides[*from];
        }
        Ok(result)
    }

    /// The elements of a dimension in a range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the dimension has fewer.
    pub fn narrow(&self, dimension: usize, range: Range<u64>) -> Result<Tensor<'a, T>> {
        let extent = self.extent(dimension)?;
        if range.start > range.end || range.end > extent {
            return Err(Error::OutOfRange(format!(
                "a tensor of {} has no {}..{} in dimension {dimension}",
                self.said(),
                range.start,
                range.end
            )));
        }
        let mut result = *self;
        result.shape[dimension] = range.end - range.start;
        if !result.is_empty() {
            // It lies within the buffer.
            result.place.index += range.start * self.strides[dimension];
        }
        Ok(result)
    }

    /// The elements at one place of a dimension, without that dimension.
    ///
    /// # Errors
    /// As those of [`narrow`](Tensor::narrow).
    pub fn select(&self, dimension: usize, index: u64) -> Result<Tensor<'a, T>> {
        let mut result = self.narrow(dimension, index..index.saturating_add(1))?;
        result.shape.copy_within(dimension + 1.., dimension);
        result.strides.copy_within(dimension + 1.., dimension);
        result.rank -= 1;
        Ok(result)
    }

    /// The same elements with one dimension as several: `split(1, &[heads, size])` of rows that have the heads
    /// beside each other.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] unless the new ones have as many elements.
    pub fn split(&self, dimension: usize, parts: &[u64]) -> Result<Tensor<'a, T>> {
        let extent = self.extent(dimension)?;
        let product = |product: u64, part: &u64| product.checked_mul(*part);
        if parts.iter().try_fold(1u64, product) != Some(extent) {
            return Err(self.invalid(&format!(
                "dimension {dimension} has not as many elements as {}",
                said(parts)
            )));
        }
        let (mut shape, mut strides) = (self.shape().to_vec(), self.strides().to_vec());
        let mut stride = self.strides[dimension];
        let mut inner = Vec::new();
        for part in parts.iter().rev() {
            inner.insert(0, stride);
            stride = stride.saturating_mul(*part);
        }
        shape.splice(dimension..=dimension, parts.iter().copied());
        strides.splice(dimension..=dimension, inner);
        Tensor::with_strides(self.place, &shape, &strides)
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] unless they lie behind one another and are as many.
    pub fn reshape(&self, shape: &[u64]) -> Result<Tensor<'a, T>> {
        let product = |product: u64, extent: &u64| product.checked_mul(*extent);
        if !self.is_contiguous() || shape.iter().try_fold(1u64, product) != Some(self.len()) {
            return Err(self.invalid(&format!(
                "it is no {}, which has as many elements, behind one another; strides are {:?}",
                said(shape),
                self.strides()
            )));
        }
        Tensor::new(self.place, shape)
    }

    /// The last two dimensions as a matrix, with the one before as its batch, if there is one.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] unless there are two or three dimensions, one of the last two has its
    /// elements next to each other, and neither repeats them by a stride of 0.
    pub fn matrix(&self) -> Result<Matrix<'a, T>> {
        let (batch, [rows, columns], [down, along]) = match (self.shape(), self.strides()) {
            ([rows, columns], [down, along]) => (None, [*rows, *columns], [*down, *along]),
            ([_, rows, columns], [batch, down, along]) => {
                (Some(*batch), [*rows, *columns], [*down, *along])
            }
            _ => return Err(self.invalid("a matrix has two dimensions, or three with its batch")),
        };
        let matrix = if along == 1 || columns <= 1 {
            let leading = self.leading((rows > 1).then_some(down), columns)?;
            Matrix::new(self.place, rows, columns).leading_dimension(leading)
        } else if down == 1 || rows <= 1 {
            let leading = self.leading((columns > 1).then_some(along), rows)?;
            let matrix = Matrix::new(self.place, columns, rows);
            matrix.leading_dimension(leading).transposed()
        } else {
            return Err(self.invalid(&format!(
                "neither rows nor columns lie next to each other; strides are {:?}",
                self.strides()
            )));
        };
        Ok(match batch {
            Some(stride) => matrix.stride(stride),
            None => matrix,
        })
    }

    /// The last dimension as the columns of rows, and all others together as the rows: how many they are, and
    /// from one to the next.
    pub(crate) fn rows(&self) -> Result<RowsOf<'a, T>> {
        let ([outer @ .., columns], [outer_strides @ .., along]) = (self.shape(), self.strides())
        else {
            return Err(self.invalid("rows have at least one dimension"));
        };
        let count = outer
            .iter()
            .fold(1u64, |all, extent| all.saturating_mul(*extent));
        // From the innermost dimension out, each steps over those within it.
        let mut step: Option<(u64, u64)> = None;
        let mut is_even = true;
        for (extent, stride) in outer.iter().zip(outer_strides).rev() {
            if *extent == 1 {
                continue;
            }
            is_even &= step.is_none_or(|(first, inner)| first.checked_mul(inner) == Some(*stride));
            step = match step {
                None => Some((*stride, *extent)),
                Some((first, inner)) => Some((first, inner.saturating_mul(*extent))),
            };
        }
        if !(is_even || count == 0) || (*along != 1 && *columns > 1) {
            return Err(self.invalid(&format!(
                "its rows do not lie equally far apart, or their elements not next to each other; strides are {:?}",
                self.strides()
            )));
        }
        Ok(RowsOf {
            place: self.place,
            count,
            columns: *columns,
            leading: self.leading(step.map(|(stride, _)| stride), *columns)?,
        })
    }

    /// From one row to the next, of which there may be one alone and then no stride: at least 1, and any
    /// number where nothing is read or written.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where rows are repeated, which the host does not take.
    fn leading(&self, stride: Option<u64>, columns: u64) -> Result<u64> {
        match stride {
            Some(stride) if !self.is_empty() => match stride {
                0 => Err(self.invalid(&format!(
                    "a stride of 0 repeats its rows, which is not taken here; copy them behind one another; strides are {:?}",
                    self.strides()
                ))),
                _ => Ok(stride),
            },
            _ => Ok(columns.max(1)),
        }
    }

    /// From its first element on.
    pub(crate) fn place(&self) -> FromIndex<'a, T> {
        self.place
    }

    /// The shape, as messages have it.
    pub(crate) fn said(&self) -> String {
        said(self.shape())
    }

    pub(crate) fn invalid(&self, message: &str) -> Error {
        Error::InvalidLaunch(format!("a tensor of {}: {message}", self.said()))
    }

    fn extent(&self, dimension: usize) -> Result<u64> {
        let missing = || self.invalid(&format!("it has no dimension {dimension}"));
        self.shape().get(dimension).copied().ok_or_else(missing)
    }
}

/// All of a buffer, in one dimension.
impl<'a, T> From<&'a Buffer<T>> for Tensor<'a, T> {
    fn from(buffer: &'a Buffer<T>) -> Tensor<'a, T> {
        let mut tensor = Tensor {
            place: buffer.into(),
            rank: 1,
            shape: [1; MOST_DIMENSIONS],
            strides: [1; MOST_DIMENSIONS],
        };
        tensor.shape[0] = buffer.len();
        tensor
    }
}

/// Rows that lie equally far apart.
pub(crate) struct RowsOf<'a, T> {
    pub(crate) place: FromIndex<'a, T>,
    pub(crate) count: u64,
    pub(crate) columns: u64,
    /// From one to the next, in elements.
    pub(crate) leading: u64,
}

fn said(shape: &[u64]) -> String {
    let extents: Vec<String> = shape.iter().map(u64::to_string).collect();
    match extents.is_empty() {
        true => "one element".to_owned(),
        false => extents.join(" by "),
    }
}
