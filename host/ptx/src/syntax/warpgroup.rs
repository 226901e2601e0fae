//! The shapes of `wgmma`: 64 rows, as many columns as the instruction says, and a depth that its types
//! say. There are too many for names of their own.

/// The columns and the depth of a product of four warps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WarpgroupShape {
    pub columns: u16,
    pub depth: u16,
}

macro_rules! names {
    ($($columns:literal)*) => {
        /// The names of the shapes of so many columns, by depth.
        const NAMES: &[(u16, [(u16, &str); 4])] = &[$(
            ($columns, [
                (8, concat!("m64n", $columns, "k8")),
                (16, concat!("m64n", $columns, "k16")),
                (32, concat!("m64n", $columns, "k32")),
                (256, concat!("m64n", $columns, "k256")),
            ]),
        )*];
    };
}

names! {
    8 16 24 32 40 48 56 64 72 80 88 96 104 112 120 128
    136 144 152 160 168 176 184 192 200 208 216 224 232 240 248 256
}

impl WarpgroupShape {
    fn all() -> impl Iterator<Item = (WarpgroupShape, &'static str)> {
        NAMES.iter().flat_map(|(columns, depths)| {
            depths.iter().map(|(depth, name)| {
                let shape = WarpgroupShape {
                    columns: *columns,
                    depth: *depth,
                };
                (shape, *name)
            })
        })
    }

    /// The shape of this name.
    pub(crate) fn named(text: &str) -> Option<WarpgroupShape> {
        if !text.starts_with("m64n") {
            return None;
        }
        let found = WarpgroupShape::all().find(|(_, name)| *name == text)?;
        Some(found.0)
    }

    pub(crate) fn name(self) -> &'static str {
        let found = WarpgroupShape::all().find(|(shape, _)| *shape == self);
        found.map_or("", |(_, name)| name)
    }
}
