//! The words that follow a mnemonic, each after a dot.

use crate::syntax::types::{Space, Type};
use crate::syntax::warpgroup::WarpgroupShape;

/// The most modifiers of one instruction, its types included.
pub(crate) const MOST_MODIFIERS: usize = 12;

macro_rules! modifiers {
    ($($name:ident = $text:literal,)*) => {
        /// One word after a mnemonic: a type, or one of these.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Modifier {
            Type(Type),
            /// The shape of a product of four warps.
            Warpgroup(WarpgroupShape),
            $($name,)*
        }

        impl Modifier {
            /// The modifier that is written so, without its dot.
            pub(crate) fn written(text: &str) -> Option<Modifier> {
                match text {
                    $($text => Some(Modifier::$name),)*
                    _ => match Type::named(text) {
                        Some(ty) => Some(Modifier::Type(ty)),
                        None => WarpgroupShape::named(text).map(Modifier::Warpgroup),
                    },
                }
            }

            /// How it is written, without its dot.
            pub(crate) fn text(self) -> &'static str {
                match self {
                    Modifier::Type(ty) => ty.name(),
                    Modifier::Warpgroup(shape) => shape.name(),
                    $(Modifier::$name => $text,)*
                }
            }
        }
    };
}

modifiers! {
    // Rounding and precision.
    Rn = "rn", Rz = "rz", Rm = "rm", Rp = "rp",
    Rni = "rni", Rzi = "rzi", Rmi = "rmi", Rpi = "rpi",
    Ftz = "ftz", Noftz = "noftz", Sat = "sat", Approx = "approx", Full = "full", Nan = "NaN",
    Rna = "rna", Relu = "relu", Satfinite = "satfinite", Xorsign = "xorsign", AbsWord = "abs",
    // Which part of an integer result.
    Hi = "hi", Lo = "lo", Wide = "wide", Cc = "cc",
    // Comparisons; `lo` and `hi` double as such.
    Eq = "eq", Ne = "ne", Lt = "lt", Le = "le", Gt = "gt", Ge = "ge", Ls = "ls", Hs = "hs",
    Equ = "equ", Neu = "neu", Ltu = "ltu", Leu = "leu", Gtu = "gtu", Geu = "geu",
    Num = "num", IsNan = "nan",
    // Operations of setp, atom, red, redux and bar.red.
    And = "and", Or = "or", Xor = "xor", Add = "add", Min = "min", Max = "max", Inc = "inc",
    Dec = "dec", Exch = "exch", Cas = "cas", Popc = "popc",
    // State spaces.
    Global = "global", Shared = "shared", SharedCta = "shared::cta",
    SharedCluster = "shared::cluster", Local = "local",
    Const = "const", Param = "param", ParamEntry = "param::entry", ParamFunc = "param::func",
    To = "to",
    V2 = "v2", V4 = "v4",
    // Memory order and scope.
    Weak = "weak", Volatile = "volatile", Relaxed = "relaxed", Acquire = "acquire",
    Release = "release", AcqRel = "acq_rel", Sc = "sc",
    Cta = "cta", Cluster = "cluster", Gpu = "gpu", Sys = "sys", Gl = "gl",
    // Cache hints.
    Ca = "ca", Cg = "cg", Cs = "cs", Lu = "lu", Cv = "cv", Wb = "wb", Wt = "wt", Nc = "nc",
    L1 = "L1", L2 = "L2",
    L1EvictNormal = "L1::evict_normal", L1EvictUnchanged = "L1::evict_unchanged",
    L1EvictFirst = "L1::evict_first", L1EvictLast = "L1::evict_last",
    L1NoAllocate = "L1::no_allocate",
    L2EvictNormal = "L2::evict_normal",
    L2EvictLast = "L2::evict_last",
    L2EvictFirst = "L2::evict_first", L2EvictUnchanged = "L2::evict_unchanged",
    L2CacheHint = "L2::cache_hint", Fractional = "fractional", Mmio = "mmio",
    Proxy = "proxy", Alias = "alias", Async = "async",
    L2B64 = "L2::64B", L2B128 = "L2::128B", L2B256 = "L2::256B",
    // Threads of a warp and of a block.
    Sync = "sync", Aligned = "aligned", Warp = "warp", Arrive = "arrive", Red = "red",
    Up = "up", Down = "down", Bfly = "bfly", Idx = "idx",
    All = "all", Any = "any", Uni = "uni", Ballot = "ballot",
    // Shifts, permutations and bit fields.
    Init = "init", Inval = "inval", ArriveDrop = "arrive_drop", NoComplete = "noComplete",
    TestWait = "test_wait", TryWait = "try_wait", Parity = "parity",
    PendingCount = "pending_count", MbarrierInit = "mbarrier_init",
    ExpectTx = "expect_tx", CompleteTx = "complete_tx", NoInc = "noinc", Mbarrier = "mbarrier",
    LaunchDependents = "launch_dependents", Wait = "wait",
    Left = "l", Right = "r", Wrap = "wrap", Clamp = "clamp",
    F4e = "f4e", B4e = "b4e", Rc8 = "rc8", Ecl = "ecl", Ecr = "ecr", Rc16 = "rc16",
    Shiftamt = "shiftamt", Pack = "pack", Mask = "mask",
    Shr7 = "shr7", Shr15 = "shr15", PlusOne = "po",
    // Matrices: shapes, layouts, how many.
    M8N8 = "m8n8", M8N8K4 = "m8n8k4", M8N8K16 = "m8n8k16", M8N8K32 = "m8n8k32",
    M16N8K4 = "m16n8k4", M16N8K8 = "m16n8k8", M16N8K16 = "m16n8k16", M16N8K32 = "m16n8k32",
    M16N8K64 = "m16n8k64", M8N8K128 = "m8n8k128", M16N8K128 = "m16n8k128",
    M16N8K256 = "m16n8k256", M16N16K16 = "m16n16k16", M8N32K16 = "m8n32k16",
    M32N8K16 = "m32n8k16", M16N16K8 = "m16n16k8",
    MmaAsync = "mma_async", Fence = "fence",
    Load = "load", Store = "store", MultiplyAdd = "mma",
    MatrixA = "a", MatrixB = "b", MatrixC = "c", MatrixD = "d",
    RowMajor = "row", ColumnMajor = "col", Trans = "trans", X1 = "x1", X2 = "x2", X4 = "x4",
    // Asynchronous copies.
    Bulk = "bulk", BulkGroup = "bulk_group", Read = "read", Prefetch = "prefetch",
    CompleteTxBytes = "mbarrier::complete_tx::bytes",
    CommitGroup = "commit_group", WaitGroup = "wait_group", WaitAll = "wait_all",
    // Properties that testp asks for.
    Finite = "finite", Infinite = "infinite", Number = "number", Notanumber = "notanumber",
    Normal = "normal", Subnormal = "subnormal",
}

/// The modifiers of one instruction, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Modifiers {
    words: [Modifier; MOST_MODIFIERS],
    len: u8,
}

impl Modifiers {
    pub(crate) fn new() -> Modifiers {
        Modifiers {
            words: [Modifier::Uni; MOST_MODIFIERS],
            len: 0,
        }
    }

    /// These words; what is too much is left out.
    pub(crate) fn of(words: &[Modifier]) -> Modifiers {
        let mut modifiers = Modifiers::new();
        for word in words {
            let _ = modifiers.push(*word);
        }
        modifiers
    }

    /// Adds a word; `None` where there are too many.
    pub(crate) fn push(&mut self, word: Modifier) -> Option<()> {
        *self.words.get_mut(usize::from(self.len))? = word;
        self.len += 1;
        Some(())
    }

    pub(crate) fn as_slice(&self) -> &[Modifier] {
        self.words.get(..usize::from(self.len)).unwrap_or(&[])
    }

    pub(crate) fn has(&self, word: Modifier) -> bool {
        self.as_slice().contains(&word)
    }

    /// The types among the words.
    pub(crate) fn types(&self) -> impl Iterator<Item = Type> + '_ {
        self.as_slice().iter().filter_map(|word| match word {
            Modifier::Type(ty) => Some(*ty),
            _ => None,
        })
    }

    /// The first type, which is the one that most instructions work on.
    pub(crate) fn ty(&self) -> Type {
        self.types().next().unwrap_or(Type::B32)
    }

    /// The second type or, where there is none, the first.
    pub(crate) fn second_ty(&self) -> Type {
        self.types().nth(1).unwrap_or(self.ty())
    }

    /// The third type or, where there is none, the second.
    pub(crate) fn third_ty(&self) -> Type {
        self.types().nth(2).unwrap_or(self.second_ty())
    }

    /// The state space that is named, or the generic one.
    pub(crate) fn space(&self) -> Space {
        self.as_slice()
            .iter()
            .find_map(|word| match word {
                Modifier::Global => Some(Space::Global),
                Modifier::Shared | Modifier::SharedCta | Modifier::SharedCluster => {
                    Some(Space::Shared)
                }
                Modifier::Local => Some(Space::Local),
                Modifier::Const => Some(Space::Const),
                Modifier::Param | Modifier::ParamEntry | Modifier::ParamFunc => Some(Space::Param),
                _ => None,
            })
            .unwrap_or(Space::Generic)
    }

    /// The shape of a product of four warps, where there is one.
    pub(crate) fn warpgroup_shape(&self) -> Option<WarpgroupShape> {
        self.as_slice().iter().find_map(|word| match word {
            Modifier::Warpgroup(shape) => Some(*shape),
            _ => None,
        })
    }

    /// How many registers a thread has of the result of such a product.
    pub(crate) fn warpgroup_registers(&self) -> usize {
        let columns = self.warpgroup_shape().map_or(0, |shape| shape.columns);
        usize::from(columns) / if self.ty() == Type::F16 { 4 } else { 2 }
    }

    /// How many elements a load or store moves.
    pub(crate) fn lanes(&self) -> usize {
        if self.has(Modifier::V2) {
            2
        } else if self.has(Modifier::V4) {
            4
        } else {
            1
        }
    }
}
