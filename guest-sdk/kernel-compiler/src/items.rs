//! What code of the device may refer to besides its own variables: structures, constants and
//! functions of the same module, or of the kernel's own body.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use syn::spanned::Spanned;
use syn::{Fields, Item, ItemFn, ItemStruct};

use crate::hir::Function;
use crate::types::{Scalar, Type};

/// The most values that an array in registers or local memory may have.
pub const MAX_ARRAY: u64 = 1 << 16;

/// Names that code of the device has from the SDK, wherever it stands.
const RESERVED: [&str; 6] = ["barrier", "GlobalMut", "Shared", "f16", "bf16", "Ordering"];

/// A structure of plain data.
#[derive(Debug)]
pub struct Struct {
    pub name: String,
    pub fields: Vec<(String, Type)>,
}

/// A declaration of shared memory.
#[derive(Clone, Debug)]
pub struct SharedArray {
    pub element: Type,
    pub len: u64,
}

/// Functions that were checked, by name and constant arguments.
pub type Checked = HashMap<(String, Vec<i128>), Rc<Function>>;

/// The items of a module, and what the checker has made of them.
#[derive(Default)]
pub struct Items {
    pub structs: Vec<Struct>,
    pub constants: HashMap<String, (Type, syn::Expr)>,
    pub functions: HashMap<String, ItemFn>,
    pub checked: RefCell<Checked>,
    /// Functions that are being checked: a call of one of them is recursion.
    pub stack: RefCell<Vec<String>>,
    pub shared: RefCell<Vec<SharedArray>>,
}

impl Items {
    /// Adds the structures, constants and functions among these items; others are Rust's alone.
    pub fn collect<'a>(&mut self, items: impl Iterator<Item = &'a Item>) -> syn::Result<()> {
        let items: Vec<&Item> = items.collect();
        // Constants first: the lengths of arrays need them.
        for item in &items {
            if let Item::Const(constant) = item {
                let name = constant.ident.to_string();
                self.check_name(&constant.ident)?;
                let ty = self.ty(&constant.ty, &HashMap::new())?;
                let value = ((*constant.expr).clone(), ty);
                self.constants.insert(name, (value.1, value.0));
            }
        }
        for item in &items {
            match item {
                Item::Struct(item) => self.structure(item)?,
                Item::Fn(item) => {
                    self.check_name(&item.sig.ident)?;
                    self.functions
                        .insert(item.sig.ident.to_string(), item.clone());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Each name is there once: kernels of a module share the items of their bodies.
    fn check_name(&self, name: &syn::Ident) -> syn::Result<()> {
        let text = name.to_string();
        let is_ours = RESERVED.contains(&text.as_str());
        let is_known = self.constants.contains_key(&text)
            || self.functions.contains_key(&text)
            || self.structs.iter().any(|known| known.name == text);
        let message = match (is_ours, is_known) {
            (true, _) => format!("`{text}` is a name of the device: give this another one"),
            (_, true) => format!(
                "there is another `{text}` among these kernels: declare it once, in the module, or give this another name"
            ),
            _ => return Ok(()),
        };
        Err(syn::Error::new(name.span(), message))
    }

    fn structure(&mut self, item: &ItemStruct) -> syn::Result<()> {
        self.check_name(&item.ident)?;
        let Fields::Named(fields) = &item.fields else {
            return Err(syn::Error::new_spanned(
                item,
                "a structure of the device has named fields: write `struct Name { field: Type }`",
            ));
        };
        let is_c = item.attrs.iter().any(|attribute| {
            attribute.path().is_ident("repr")
                && attribute
                    .parse_args::<syn::Ident>()
                    .is_ok_and(|argument| argument == "C")
        });
        if !is_c {
            return Err(syn::Error::new_spanned(
                &item.ident,
                format!(
                    "the layout of `{}` is not stated: write `#[repr(C)]` before it",
                    item.ident
                ),
            ));
        }
        let mut known = Vec::new();
        for field in &fields.named {
            let name = field.ident.as_ref().map(ToString::to_string);
            let ty = self.ty(&field.ty, &HashMap::new())?;
            if !self.is_plain(&ty) {
                return Err(syn::Error::new_spanned(
                    &field.ty,
                    format!(
                        "`{ty}` is no plain data: a field is a number, an array or a structure"
                    ),
                ));
            }
            known.push((name.unwrap_or_default(), ty));
        }
        self.structs.push(Struct {
            name: item.ident.to_string(),
            fields: known,
        });
        Ok(())
    }

    /// Whether values of this type can be in memory.
    pub fn is_plain(&self, ty: &Type) -> bool {
        match ty {
            Type::Scalar(scalar) => *scalar != Scalar::Bool,
            Type::Array(element, _) => self.is_plain(element),
            Type::Struct(..) => true,
            _ => false,
        }
    }

    /// The size and the alignment in memory, in bytes, as `#[repr(C)]` has them.
    pub fn layout(&self, ty: &Type) -> (u64, u64) {
        match ty {
            Type::Scalar(scalar) => (scalar.bytes(), scalar.bytes()),
            Type::Array(element, len) => {
                let (size, align) = self.layout(element);
                (size.saturating_mul(*len), align)
            }
            Type::Struct(number, _) => {
                let (mut size, mut align) = (0u64, 1);
                for (_, field) in self.fields(*number) {
                    let (bytes, alignment) = self.layout(field);
                    size = size.next_multiple_of(alignment).saturating_add(bytes);
                    align = align.max(alignment);
                }
                (size.next_multiple_of(align), align)
            }
            _ => (0, 1),
        }
    }

    pub fn fields(&self, number: usize) -> &[(String, Type)] {
        self.structs
            .get(number)
            .map_or(&[], |structure| &structure.fields)
    }

    /// The offsets of a structure's fields, in bytes.
    pub fn offsets(&self, number: usize) -> Vec<u64> {
        let mut end = 0u64;
        let mut offsets = Vec::new();
        for (_, field) in self.fields(number) {
            let (bytes, align) = self.layout(field);
            let start = end.next_multiple_of(align);
            offsets.push(start);
            end = start.saturating_add(bytes);
        }
        offsets
    }

    /// The type that Rust's syntax names.
    pub fn ty(&self, ty: &syn::Type, generics: &HashMap<String, i128>) -> syn::Result<Type> {
        let boxed =
            |element: &syn::Type| Ok::<_, syn::Error>(Box::new(self.ty(element, generics)?));
        match ty {
            syn::Type::Paren(inner) => self.ty(&inner.elem, generics),
            syn::Type::Group(inner) => self.ty(&inner.elem, generics),
            syn::Type::Never(_) => Ok(Type::Never),
            syn::Type::Tuple(tuple) if tuple.elems.is_empty() => Ok(Type::Unit),
            syn::Type::Tuple(tuple) => {
                let parts = tuple.elems.iter().map(|part| self.ty(part, generics));
                Ok(Type::Tuple(parts.collect::<syn::Result<_>>()?))
            }
            syn::Type::Array(array) => {
                let len = self.length(&array.len, generics)?;
                Ok(Type::Array(boxed(&array.elem)?, len))
            }
            syn::Type::Reference(reference) => match (&*reference.elem, &reference.mutability) {
                (syn::Type::Slice(slice), None) => Ok(Type::Slice(boxed(&slice.elem)?)),
                (syn::Type::Slice(slice), Some(_)) => {
                    let element = self.ty(&slice.elem, generics)?;
                    Err(syn::Error::new_spanned(
                        ty,
                        format!(
                            "the threads of a grid share their buffers, so none has one for itself: write `GlobalMut<{element}>`"
                        ),
                    ))
                }
                _ => Err(syn::Error::new_spanned(
                    ty,
                    "references are slices of device memory here, `&[T]`: pass other values by value",
                )),
            },
            syn::Type::Path(path) if path.qself.is_none() => self.named(ty, &path.path, generics),
            _ => Err(syn::Error::new_spanned(
                ty,
                "this type is not one of a kernel's: numbers, `bool`, `[T; N]`, tuples, `#[repr(C)]` structures, `&[T]`, `GlobalMut<T>` and `Shared<T, N>` are",
            )),
        }
    }

    fn named(
        &self,
        ty: &syn::Type,
        path: &syn::Path,
        generics: &HashMap<String, i128>,
    ) -> syn::Result<Type> {
        let Some(segment) = path.segments.last() else {
            return Err(syn::Error::new_spanned(ty, "a type is expected"));
        };
        let name = segment.ident.to_string();
        let arguments: Vec<&syn::GenericArgument> = match &segment.arguments {
            syn::PathArguments::AngleBracketed(list) => list
                .args
                .iter()
                .filter(|argument| !matches!(argument, syn::GenericArgument::Lifetime(_)))
                .collect(),
            _ => Vec::new(),
        };
        let element = |argument: &syn::GenericArgument| match argument {
            syn::GenericArgument::Type(ty) => self.ty(ty, generics).map(Box::new),
            other => Err(syn::Error::new_spanned(other, "a type is expected")),
        };
        match (name.as_str(), arguments.as_slice()) {
            ("GlobalMut", [argument]) => Ok(Type::GlobalMut(element(argument)?)),
            ("Shared", [argument, len]) => {
                let len = match len {
                    syn::GenericArgument::Const(len) => self.length(len, generics)?,
                    syn::GenericArgument::Type(syn::Type::Path(path)) => {
                        let path = syn::ExprPath {
                            attrs: Vec::new(),
                            qself: None,
                            path: path.path.clone(),
                        };
                        self.length(&syn::Expr::Path(path), generics)?
                    }
                    other => return Err(syn::Error::new_spanned(other, "a length is expected")),
                };
                Ok(Type::Shared(element(argument)?, len))
            }
            (name, []) => {
                if let Some(scalar) = Scalar::from_name(name) {
                    return Ok(Type::Scalar(scalar));
                }
                let found = self.structs.iter().position(|known| known.name == name);
                match found {
                    Some(number) => Ok(Type::Struct(number, name.to_owned())),
                    None => Err(syn::Error::new_spanned(ty, unknown_type(name))),
                }
            }
            _ => Err(syn::Error::new_spanned(ty, unknown_type(&name))),
        }
    }

    /// The length of an array: a constant that is known while the kernel is compiled.
    pub fn length(&self, len: &syn::Expr, generics: &HashMap<String, i128>) -> syn::Result<u64> {
        let Some(value) = self.constant(len, generics) else {
            return Err(syn::Error::new(
                len.span(),
                "a length is a number, a constant of this module, or an expression of them",
            ));
        };
        match u64::try_from(value) {
            Ok(value) if value <= MAX_ARRAY => Ok(value),
            _ => Err(syn::Error::new(
                len.span(),
                format!("the length is {value}, and may be at most {MAX_ARRAY}"),
            )),
        }
    }

    /// The value of an integer expression of literals and constants.
    pub fn constant(&self, expr: &syn::Expr, generics: &HashMap<String, i128>) -> Option<i128> {
        let value = |expr: &syn::Expr| self.constant(expr, generics);
        match expr {
            syn::Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Int(digits) => digits.base10_parse().ok(),
                _ => None,
            },
            syn::Expr::Paren(inner) => value(&inner.expr),
            syn::Expr::Group(inner) => value(&inner.expr),
            syn::Expr::Cast(cast) => {
                let ty = self.ty(&cast.ty, generics).ok()?.scalar()?;
                ty.is_integer().then_some(())?;
                Some(ty.wrap(value(&cast.expr)?))
            }
            syn::Expr::Block(block) => match block.block.stmts.as_slice() {
                [syn::Stmt::Expr(expr, None)] => value(expr),
                _ => None,
            },
            syn::Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
                value(&unary.expr)?.checked_neg()
            }
            syn::Expr::Binary(binary) => {
                let (a, b) = (value(&binary.left)?, value(&binary.right)?);
                let amount = || u32::try_from(b).ok();
                match binary.op {
                    syn::BinOp::Add(_) => a.checked_add(b),
                    syn::BinOp::Sub(_) => a.checked_sub(b),
                    syn::BinOp::Mul(_) => a.checked_mul(b),
                    syn::BinOp::Div(_) => a.checked_div(b),
                    syn::BinOp::Rem(_) => a.checked_rem(b),
                    syn::BinOp::Shl(_) => a.checked_shl(amount()?),
                    syn::BinOp::Shr(_) => a.checked_shr(amount()?),
                    _ => None,
                }
            }
            syn::Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                if let Some(value) = generics.get(&name) {
                    return Some(*value);
                }
                let (ty, expr) = self.constants.get(&name)?;
                ty.scalar()?.is_integer().then_some(())?;
                self.constant(expr, &HashMap::new())
            }
            _ => None,
        }
    }
}

fn unknown_type(name: &str) -> String {
    let instead = match name {
        "Vec" | "Box" | "String" | "HashMap" => {
            ": there is no heap on the device; use `[T; N]`, `shared!` or a buffer"
        }
        "i128" | "u128" => ": use two numbers of 64 bits",
        "char" | "str" => ": use `u32` or `u8`",
        "Option" | "Result" => ": use a number with a value that means none",
        "GlobalMut" => ": write `GlobalMut<T>`",
        "Shared" => ": write `Shared<T, N>`",
        _ => {
            ": a structure is declared with `#[repr(C)]` in the same `#[device] mod`, or in the kernel's body"
        }
    };
    format!("`{name}` is no type of the device{instead}")
}
