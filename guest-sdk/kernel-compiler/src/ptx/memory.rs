//! Variables, loads, stores and atomic operations.

use proc_macro2::Span;

use super::memory_type;
use super::value::{Class, Operand, Value};
use super::writer::{Slot, Writer};
use crate::hir::{Atomic, CompareOp, Expr, ExprKind, MemoryOrder, Place, Projection};
use crate::types::{Scalar, Type};

/// What is said where an index is not within its array.
const OUT_OF_BOUNDS: &str = "index out of bounds";

/// Memory of threads, without its contents.
#[derive(Clone, Debug)]
pub struct Address {
    /// `global`, `shared`, `local`, `param`.
    space: &'static str,
    base: Base,
    offset: u64,
    /// What the base is a multiple of, where that is known, else 1.
    align: u64,
}

#[derive(Clone, Debug)]
enum Base {
    Register(Operand),
    /// The name of memory, or of a parameter.
    Name(String),
}

impl Writer<'_> {
    fn slot(&self, place: &Place) -> Option<(Slot, Type)> {
        let frame = self.frames.last()?;
        let slot = frame.slots.get(&place.local)?.clone();
        Some((slot, frame.types.get(place.local)?.clone()))
    }

    /// The value of a variable, or of a part of it.
    pub fn read(&mut self, place: &Place, span: Span) -> syn::Result<Value> {
        let Some((slot, ty)) = self.slot(place) else {
            return Ok(Value::Unit);
        };
        match slot {
            Slot::Value(value) => {
                let path = self.path(place, ty, span)?;
                Ok(path.iter().fold(value, |value, index| {
                    value.parts().get(*index).cloned().unwrap_or(Value::Unit)
                }))
            }
            Slot::Memory(name) => {
                let (address, ty) = self.local_address(&name, ty, place, span)?;
                Ok(self.load_at(&address, &ty))
            }
        }
    }

    /// A number in a variable, and its type.
    pub fn read_scalar(&mut self, place: &Place, span: Span) -> syn::Result<(Operand, Scalar)> {
        let mut ty = self.slot(place).map_or(Type::Unit, |(_, ty)| ty);
        for projection in &place.projections {
            ty = self.project(&ty, projection);
        }
        let value = self.read(place, span)?.operand();
        Ok((value, ty.scalar().unwrap_or(Scalar::U32)))
    }

    fn project(&self, ty: &Type, projection: &Projection) -> Type {
        match (ty, projection) {
            (Type::Array(element, _), Projection::Index(_)) => self.type_of(element),
            (Type::Tuple(parts), Projection::Field(index)) => parts
                .get(*index)
                .map_or(Type::Unit, |part| self.type_of(part)),
            (Type::Struct(number, _), Projection::Field(index)) => {
                let field = self.items.fields(*number).get(*index);
                field.map_or(Type::Unit, |(_, ty)| ty.clone())
            }
            _ => Type::Unit,
        }
    }

    /// The indices of a part of a value in registers.
    fn path(&mut self, place: &Place, mut ty: Type, span: Span) -> syn::Result<Vec<usize>> {
        let mut path = Vec::new();
        for projection in &place.projections {
            match projection {
                Projection::Field(index) => path.push(*index),
                Projection::Index(index) => {
                    let len = match &ty {
                        Type::Array(_, len) => i128::from(*len),
                        _ => 0,
                    };
                    match self.operand(index)? {
                        Operand::Integer(value) if value < len => path.push(value as usize),
                        Operand::Integer(value) => {
                            return Err(syn::Error::new(
                                index.span,
                                format!("the index is {value}, and the array has {len} elements"),
                            ));
                        }
                        _ => {
                            return Err(syn::Error::new(
                                span,
                                "this index is not known while the kernel is compiled",
                            ));
                        }
                    }
                }
            }
            ty = self.project(&ty, projection);
        }
        Ok(path)
    }

    pub fn assign(&mut self, place: &Place, value: Value, span: Span) -> syn::Result<()> {
        let Some((slot, ty)) = self.slot(place) else {
            return Ok(());
        };
        match slot {
            Slot::Value(registers) => {
                let path = self.path(place, ty, span)?;
                let target = path.iter().fold(registers, |value, index| {
                    value.parts().get(*index).cloned().unwrap_or(Value::Unit)
                });
                self.move_into(&target, &value);
            }
            Slot::Memory(name) => {
                let (address, ty) = self.local_address(&name, ty, place, span)?;
                self.store_at(&address, &ty, &value);
            }
        }
        Ok(())
    }

    fn local_address(
        &mut self,
        name: &str,
        mut ty: Type,
        place: &Place,
        span: Span,
    ) -> syn::Result<(Address, Type)> {
        let mut address = Address {
            space: "local",
            base: Base::Name(name.to_owned()),
            offset: 0,
            align: 1,
        };
        for projection in &place.projections {
            match (&ty, projection) {
                (Type::Struct(number, _), Projection::Field(index)) => {
                    let offsets = self.items.offsets(*number);
                    address.offset += offsets.get(*index).copied().unwrap_or(0);
                }
                (Type::Array(element, len), Projection::Index(index)) => {
                    let (size, _) = self.items.layout(element);
                    let value = self.operand(index)?;
                    self.check_index(value, Operand::Integer((*len).into()), span);
                    self.advance(&mut address, value, None, size);
                }
                _ => {}
            }
            ty = self.project(&ty, projection);
        }
        Ok((address, ty))
    }

    /// Stops the kernel where an index is not less than a length.
    fn check_index(&mut self, index: Operand, len: Operand, span: Span) {
        self.check_index_of(index, len, Scalar::U64, span);
    }

    /// The same for an index and a length of this type.
    fn check_index_of(&mut self, index: Operand, len: Operand, scalar: Scalar, span: Span) {
        if self.is_checked(index, len) {
            return;
        }
        let is_outside = self.compare_scalars(CompareOp::Ge, index, len, scalar);
        if is_outside != Operand::Bool(false) {
            let panic = self.panic(OUT_OF_BOUNDS, span);
            self.jump_where(is_outside, true, panic);
        }
    }

    /// The same for an index of 32 bits without a sign, and the parts of a slice: where the length
    /// does not fit in 32 bits, no such index is outside.
    fn check_narrow_index(&mut self, index: Operand, slice: &[Operand; 5], span: Span) {
        let [_, _, len, is_small, _] = *slice;
        if self.is_checked(index, len) {
            return;
        }
        let operands = [index, len, is_small];
        let is_outside = self.result(Class::Predicate, "setp.ge.and.u32", &operands);
        let panic = self.panic(OUT_OF_BOUNDS, span);
        self.jump_where(is_outside, true, panic);
    }

    /// Moves an address on by a number of elements. `narrow` is the index in 32 bits, where it was
    /// extended from there.
    fn advance(
        &mut self,
        address: &mut Address,
        index: Operand,
        narrow: Option<(Operand, Scalar)>,
        size: u64,
    ) {
        if let Operand::Integer(index) = index {
            let offset = index.saturating_mul(size.into());
            address.offset = address
                .offset
                .saturating_add(u64::try_from(offset).unwrap_or(u64::MAX));
            return;
        }
        let is_shared = address.space == "shared";
        let (class, bits) = if is_shared {
            (Class::Bits32, "b32")
        } else {
            (Class::Bits64, "b64")
        };
        let bytes = Operand::Integer(size.into());
        let offset = match (narrow, is_shared) {
            (Some((index, scalar)), false) => {
                let op = format!("mul.wide.{}", super::arithmetic_type(scalar));
                self.result(class, &op, &[index, bytes])
            }
            _ => {
                let index = match (narrow, is_shared) {
                    (Some((index, _)), _) => index,
                    (None, true) => self.convert(index, Scalar::U64, Scalar::U32),
                    (None, false) => index,
                };
                match size {
                    1 => index,
                    _ if size.is_power_of_two() => {
                        let amount = Operand::Integer(size.trailing_zeros().into());
                        self.result(class, &format!("shl.{bits}"), &[index, amount])
                    }
                    _ => {
                        let ty = if is_shared { "u32" } else { "u64" };
                        self.result(class, &format!("mul.lo.{ty}"), &[index, bytes])
                    }
                }
            }
        };
        let base = match &address.base {
            Base::Register(register) => *register,
            // The name of local memory.
            Base::Name(name) => Operand::Register(self.constant_result(class, "mov.u64", name)),
        };
        let ty = if is_shared { "s32" } else { "s64" };
        address.base = Base::Register(self.result(class, &format!("add.{ty}"), &[base, offset]));
    }

    /// The address of an element of a slice, buffer or shared array.
    pub fn element(
        &mut self,
        memory: &Value,
        memory_type: &Type,
        index: &Expr,
        is_checked: bool,
    ) -> syn::Result<(Address, Type)> {
        // An index that was extended from 32 bits.
        let narrow = match &index.kind {
            ExprKind::Cast(inner) => {
                let scalar = self.scalar_of(&inner.ty);
                matches!(scalar, Scalar::U32 | Scalar::I32).then(|| ((**inner).clone(), scalar))
            }
            _ => None,
        };
        let (value, narrow) = match narrow {
            Some((inner, scalar)) => match self.operand(&inner)? {
                Operand::Register(register) => {
                    let value = Operand::Register(register);
                    (value, Some((value, scalar)))
                }
                known => (self.convert(known, scalar, Scalar::U64), None),
            },
            None => {
                let value = self.operand(index)?;
                let narrow = match value {
                    Operand::Register(register) => self.extended.get(&register).copied(),
                    _ => None,
                };
                (value, narrow)
            }
        };
        let wide = |writer: &mut Self| match narrow {
            Some((value, scalar)) => writer.convert(value, scalar, Scalar::U64),
            None => value,
        };
        let (mut address, element) = match (memory_type, memory) {
            (Type::Shared(element, len), Value::Shared(number)) => {
                let len = Operand::Integer((*len).into());
                match narrow {
                    _ if !is_checked => {}
                    // A negative index is a large one.
                    Some((value, _)) => self.check_index_of(value, len, Scalar::U32, index.span),
                    None => self.check_index(value, len, index.span),
                }
                let name = self.shared.get(number).cloned().unwrap_or_default();
                let base = self.constant_result(Class::Bits32, "mov.u32", &name);
                let address = Address {
                    space: "shared",
                    base: Base::Register(Operand::Register(base)),
                    offset: 0,
                    align: 1,
                };
                (address, self.type_of(element))
            }
            (Type::Slice(element) | Type::GlobalMut(element), memory) => {
                let parts = [0, 1, 2, 3, 4].map(|index| {
                    let part = memory.parts().get(index);
                    part.map_or(Operand::Integer(0), Value::operand)
                });
                match narrow {
                    _ if !is_checked => {}
                    Some((value, Scalar::I32 | Scalar::I16 | Scalar::I8)) => {
                        self.check_index_of(value, parts[4], Scalar::U32, index.span);
                    }
                    Some((value, Scalar::U32 | Scalar::U16 | Scalar::U8)) => {
                        self.check_narrow_index(value, &parts, index.span);
                    }
                    _ => {
                        let value = wide(self);
                        self.check_index(value, parts[1], index.span);
                    }
                }
                let address = Address {
                    space: "global",
                    base: Base::Register(parts[0]),
                    offset: 0,
                    align: 1,
                };
                (address, self.type_of(element))
            }
            _ => return Err(syn::Error::new(index.span, "this has no elements")),
        };
        let (size, _) = self.items.layout(&element);
        self.advance(&mut address, value, narrow, size);
        // Buffers and shared arrays begin at multiples of 16 bytes, at least.
        address.align = 1 << size.trailing_zeros().min(4);
        Ok((address, element))
    }

    /// Loads a value from a symbol with an offset.
    pub fn load(&mut self, space: &'static str, base: &str, offset: u64, ty: &Type) -> Value {
        let address = Address {
            space,
            base: Base::Name(base.to_owned()),
            offset,
            align: 1,
        };
        self.load_at(&address, ty)
    }

    pub fn load_at(&mut self, address: &Address, ty: &Type) -> Value {
        match self.type_of(ty) {
            Type::Scalar(scalar) => {
                let text = address.text();
                let op = format!("ld.{}.{}", address.space, memory_type(scalar));
                if scalar == Scalar::Bool {
                    let byte = self.fresh(Class::Bits32);
                    self.line(format_args!("{op} {byte}, {text}"));
                    let zero = Operand::Integer(0);
                    let byte = Operand::Register(byte);
                    return Value::Scalar(self.compare_scalars(
                        CompareOp::Ne,
                        byte,
                        zero,
                        Scalar::U32,
                    ));
                }
                let register = self.fresh(Class::of(scalar));
                self.line(format_args!("{op} {register}, {text}"));
                Value::Scalar(Operand::Register(register))
            }
            other => {
                let parts = self.parts(&other);
                if let Some((scalar, count)) = self.vector(address, &parts) {
                    let class = Class::of(scalar);
                    let registers: Vec<_> = (0..count).map(|_| self.fresh(class)).collect();
                    let names: Vec<String> = registers.iter().map(ToString::to_string).collect();
                    self.line(format_args!(
                        "ld.{}.v{count}.{} {{{}}}, {}",
                        address.space,
                        memory_type(scalar),
                        names.join(", "),
                        address.text()
                    ));
                    let operands = registers.into_iter().map(Operand::Register);
                    return Value::Parts(operands.map(Value::Scalar).collect());
                }
                let parts = parts
                    .into_iter()
                    .map(|(offset, ty)| self.load_at(&address.at(offset), &ty));
                Value::Parts(parts.collect())
            }
        }
    }

    /// The type and number of parts that one access loads or stores: two or four numbers of one type,
    /// one after another, at a multiple of their size.
    fn vector(&self, address: &Address, parts: &[(u64, Type)]) -> Option<(Scalar, u64)> {
        let (_, first) = parts.first()?;
        let Type::Scalar(scalar) = self.type_of(first) else {
            return None;
        };
        let (size, count) = (u64::from(scalar.bits() / 8), parts.len() as u64);
        let bytes = size * count;
        let is_plain = (0..count).zip(parts).all(|(number, (offset, ty))| {
            *offset == number * size && self.type_of(ty) == Type::Scalar(scalar)
        });
        let is_vector = is_plain
            && scalar.bits() >= 32
            && matches!((count, bytes), (2 | 4, 8 | 16))
            && address.align.is_multiple_of(bytes)
            && address.offset.is_multiple_of(bytes);
        is_vector.then_some((scalar, count))
    }

    /// The parts of a type in memory: offsets in bytes, and types.
    fn parts(&self, ty: &Type) -> Vec<(u64, Type)> {
        match ty {
            Type::Struct(number, _) => {
                let offsets = self.items.offsets(*number);
                let fields = self.items.fields(*number).iter();
                offsets
                    .into_iter()
                    .zip(fields.map(|(_, ty)| ty.clone()))
                    .collect()
            }
            Type::Array(element, len) => {
                let (size, _) = self.items.layout(element);
                (0..*len)
                    .map(|index| (index * size, (**element).clone()))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    pub fn store_all(&mut self, space: &'static str, base: &str, ty: &Type, value: &Value) {
        let address = Address {
            space,
            base: Base::Name(base.to_owned()),
            offset: 0,
            align: 1,
        };
        self.store_at(&address, ty, value);
    }

    pub fn store_at(&mut self, address: &Address, ty: &Type, value: &Value) {
        match self.type_of(ty) {
            Type::Scalar(scalar) => {
                let operand = match scalar {
                    Scalar::Bool => self.convert(value.operand(), Scalar::Bool, Scalar::U32),
                    _ => value.operand(),
                };
                let class = match scalar {
                    Scalar::Bool => Class::Bits32,
                    other => Class::of(other),
                };
                let register = self.register(operand, class);
                let (space, ty) = (address.space, memory_type(scalar));
                // A store has no sign.
                let ty = ty.replace('s', "u");
                self.line(format_args!(
                    "st.{space}.{ty} {}, {register}",
                    address.text()
                ));
            }
            other => {
                let parts = self.parts(&other);
                if let Some((scalar, count)) = self.vector(address, &parts) {
                    let class = Class::of(scalar);
                    let names: Vec<String> = value
                        .parts()
                        .iter()
                        .map(|part| self.register(part.operand(), class).to_string())
                        .collect();
                    let (space, ty) = (address.space, memory_type(scalar).replace('s', "u"));
                    self.line(format_args!(
                        "st.{space}.v{count}.{ty} {}, {{{}}}",
                        address.text(),
                        names.join(", ")
                    ));
                    return;
                }
                for ((offset, ty), part) in parts.into_iter().zip(value.parts()) {
                    self.store_at(&address.at(offset), &ty, part);
                }
            }
        }
    }

    /// An atomic operation. Returns the old value.
    pub fn atomic(
        &mut self,
        operation: Atomic,
        order: MemoryOrder,
        address: &Address,
        scalar: Scalar,
        values: &[Operand],
    ) -> Value {
        let class = Class::of(scalar);
        let bits = scalar.bits();
        let space = address.space;
        let scope = if space == "shared" { "cta" } else { "gpu" };
        if order == MemoryOrder::SeqCst {
            self.line(format_args!("fence.sc.{scope}"));
        }
        let order = match order {
            MemoryOrder::Relaxed => "relaxed",
            MemoryOrder::Acquire => "acquire",
            MemoryOrder::Release => "release",
            MemoryOrder::AcqRel => "acq_rel",
            MemoryOrder::SeqCst => match operation {
                Atomic::Load => "acquire",
                Atomic::Store => "release",
                _ => "acq_rel",
            },
        };
        let ty = super::arithmetic_type(scalar);
        let text = address.text();
        let value = values.first().copied().unwrap_or(Operand::Integer(0));
        let value = match operation {
            Atomic::Sub => self.negate(value, scalar),
            _ => value,
        };
        match operation {
            Atomic::Load => {
                let result = self.fresh(class);
                self.line(format_args!(
                    "ld.{order}.{scope}.{space}.{ty} {result}, {text}"
                ));
                return Value::Scalar(Operand::Register(result));
            }
            Atomic::Store => {
                let register = self.register(value, class);
                self.line(format_args!(
                    "st.{order}.{scope}.{space}.{ty} {text}, {register}"
                ));
                return Value::Unit;
            }
            _ => {}
        }
        let unsigned = format!("u{bits}");
        let untyped = format!("b{bits}");
        let (name, ty) = match operation {
            // The sign does not matter, and PTX has no signed sum of 64 bits.
            Atomic::Add | Atomic::Sub if !scalar.is_float() => ("add", unsigned),
            Atomic::Add | Atomic::Sub => ("add", ty.to_owned()),
            Atomic::Min => ("min", ty.to_owned()),
            Atomic::Max => ("max", ty.to_owned()),
            Atomic::And => ("and", untyped),
            Atomic::Or => ("or", untyped),
            Atomic::Xor => ("xor", untyped),
            Atomic::Swap => ("exch", untyped),
            _ => ("cas", untyped),
        };
        let mut operands = vec![self.register(value, class)];
        for value in values.get(1..).unwrap_or_default() {
            operands.push(self.register(*value, class));
        }
        let result = self.fresh(class);
        let operands: Vec<String> = operands.iter().map(ToString::to_string).collect();
        self.line(format_args!(
            "atom.{order}.{scope}.{space}.{name}.{ty} {result}, {text}, {}",
            operands.join(", ")
        ));
        Value::Scalar(Operand::Register(result))
    }
}

impl Address {
    fn text(&self) -> String {
        let base = match &self.base {
            Base::Register(register) => register.to_string(),
            Base::Name(name) => name.clone(),
        };
        match self.offset {
            0 => format!("[{base}]"),
            offset => format!("[{base}+{offset}]"),
        }
    }

    fn at(&self, offset: u64) -> Address {
        Address {
            offset: self.offset + offset,
            ..self.clone()
        }
    }
}
