//! The kernel of [attention](super): a block of 8 warps has 32 queries, 4 for each warp, and
//! goes through the keys in tiles of 64. Each thread has the scores of 2 keys for each query of its warp, and
//! a part of their results, in registers; its keys and columns are 32 apart, so that threads next to each
//! other use what lies next to each other.

use super::super::ptx::{float, head};
use super::Variant;
use crate::Element;
use crate::linear::kernel::{load_factor, store};

/// Threads of a warp, and the warps of a block.
pub(super) const WARP: u32 = 32;
pub(super) const WARPS: u32 = 8;

/// The queries of a warp and of a block.
const OWN: u32 = 4;
pub(super) const QUERIES: u32 = OWN * WARPS;

/// The keys of a tile, and how many of them a thread has.
const KEYS: u32 = 64;
const OWN_KEYS: u32 = KEYS / WARP;

/// How far apart lines of keys lie in shared memory: an odd number, so that threads which write a column use
/// different banks.
const PITCH: u32 = KEYS + 1;

/// The most elements of a value that a part in shared memory has.
const MOST_DEPTH: u32 = 64;

impl Variant {
    /// How many columns of queries and keys are in shared memory at a time. Each part costs two barriers, at
    /// which the processor saves what its threads have in registers.
    fn depth(self) -> u32 {
        self.padded_size.min(MOST_DEPTH)
    }

    /// How many rows of values are there at a time.
    fn value_rows(self) -> u32 {
        (KEYS * MOST_DEPTH / self.padded_size).min(KEYS)
    }

    /// Whether all columns of the queries are there, which then are loaded once.
    fn has_whole_queries(self) -> bool {
        self.depth() == self.padded_size
    }
}

/// A part of an operand that the threads of a block load together into shared memory.
struct Part {
    label: &'static str,
    /// How many elements next to each other, a power of two, and how many in all.
    width: u32,
    count: u32,
    /// Its first row and column.
    first: [&'static str; 2],
    /// How many rows there are, beside `%size` columns: what is outside is zero.
    rows: &'static str,
    /// What the registers of the operand begin with.
    name: &'static str,
    /// Finds where the element of row `%r` and column `%c` of the part lies in shared memory, `%to`.
    place: String,
}

impl Part {
    fn load(&self, element: Element) -> String {
        let Part {
            label,
            width,
            count,
            first: [first_row, first_column],
            rows,
            name,
            place,
        } = self;
        // The counter is the same in all threads, so that none goes another way.
        format!(
            "    mov.u32 %count, 0;
{label}:
    add.u32 %i, %count, %t;
    shr.u32 %r, %i, {bits};
    and.b32 %c, %i, {mask};
{place}    add.u32 %r, %r, {first_row};
    add.u32 %c, %c, {first_column};
    mov.f32 %e, 0f00000000;
    setp.ge.u32 %p, %r, {rows};
    @%p bra {label}_NONE;
    setp.ge.u32 %p, %c, %size;
    @%p bra {label}_NONE;
    cvt.u64.u32 %at, %r;
    mad.lo.u64 %at, %at, %{name}_row, %{name};
    mad.wide.u32 %at, %c, {bytes}, %at;
    {load}
{label}_NONE:
    st.shared.f32 [%to], %e;
    add.u32 %count, %count, {threads};
    setp.lt.u32 %p, %count, {count};
    @%p bra {label};
",
            bits = width.trailing_zeros(),
            mask = width - 1,
            bytes = element.factor_bytes(),
            load = load_factor(element, "%e", "%at"),
            threads = WARP * WARPS,
        )
    }
}

/// Columns of the queries, from `%depth` on.
fn load_queries(variant: Variant) -> String {
    Part {
        label: "QUERY",
        width: variant.depth(),
        count: QUERIES * variant.depth(),
        first: ["%query0", "%depth"],
        rows: "%queries",
        name: "q",
        place: "    mad.lo.u32 %to, %i, 4, %left;\n".to_owned(),
    }
    .load(variant.element)
}

/// Columns of the keys of a tile, transposed.
fn load_keys(variant: Variant) -> String {
    Part {
        label: "KEY",
        width: variant.depth(),
        count: KEYS * variant.depth(),
        first: ["%key0", "%depth"],
        rows: "%limit",
        name: "k",
        place: format!(
            "    mad.lo.u32 %to, %c, {PITCH}, %r;\n    mad.lo.u32 %to, %to, 4, %right;\n"
        ),
    }
    .load(variant.element)
}

/// Rows of the values, from key `%r0` on.
fn load_values(variant: Variant) -> String {
    Part {
        label: "VALUE",
        width: variant.padded_size,
        count: variant.value_rows() * variant.padded_size,
        first: ["%r0", "0"],
        // No query of the block sees more: what is there may be no number.
        rows: "%last",
        name: "v",
        place: "    mad.lo.u32 %to, %i, 4, %right;\n".to_owned(),
    }
    .load(variant.element)
}

/// What the threads of a warp make of `%y`.
fn combine(instruction: &str) -> String {
    let mut text = String::new();
    for distance in [16, 8, 4, 2, 1] {
        text += &format!(
            "    mov.b32 %u, %y;
    shfl.sync.bfly.b32 %u, %u, {distance}, 31, 0xffffffff;
    mov.b32 %e, %u;
    {instruction} %y, %y, %e;
"
        );
    }
    text
}

/// The scores of a tile for one of a thread's queries become shares of their sum so far.
fn shares(own: u32, columns: u32) -> String {
    let (least, zero) = (float(f32::NEG_INFINITY), float(0.0));
    let mut text = format!("    mov.f32 %y, {least};\n");
    for key in 0..OWN_KEYS {
        text += &format!(
            "    add.u32 %c, %tx, {first};
    add.u32 %c, %c, %key0;
    setp.ge.u32 %p, %c, %see{own};
    mul.rn.f32 %s{own}_{key}, %s{own}_{key}, %scale;
    selp.f32 %s{own}_{key}, {least}, %s{own}_{key}, %p;
    max.f32 %y, %y, %s{own}_{key};
",
            first = key * WARP
        );
    }
    text += &combine("max.f32");
    // Where all are masked so far, nothing is to be subtracted of their minus infinity.
    text += &format!(
        "    max.f32 %y, %y, %most{own};
    setp.eq.f32 %p, %y, {least};
    selp.f32 %ref, {zero}, %y, %p;
    sub.rn.f32 %e, %most{own}, %ref;
    mul.rn.f32 %e, %e, {log};
    ex2.approx.f32 %e, %e;
    mov.f32 %most{own}, %y;
    mul.rn.f32 %sum{own}, %sum{own}, %e;
",
        log = float(std::f32::consts::LOG2_E),
    );
    for column in 0..columns {
        text += &format!("    mul.rn.f32 %o{own}_{column}, %o{own}_{column}, %e;\n");
    }
    for key in 0..OWN_KEYS {
        text += &format!(
            "    sub.rn.f32 %e, %s{own}_{key}, %ref;
    mul.rn.f32 %e, %e, {log};
    ex2.approx.f32 %e, %e;
    add.rn.f32 %sum{own}, %sum{own}, %e;
    st.shared.f32 [%own_shares+{at}], %e;
",
            log = float(std::f32::consts::LOG2_E),
            at = (own * KEYS + key * WARP) * 4,
        );
    }
    text
}

/// The module.
pub(in super::super) fn module(variant: Variant) -> String {
    let Variant {
        element,
        padded_size,
    } = variant;
    let columns = padded_size / WARP;
    let depth = variant.depth();
    let mut text = declarations(variant);
    text += &begin(variant);
    if variant.has_whole_queries() {
        text += "    mov.u32 %depth, 0;\n";
        text += &load_queries(variant);
    }
    text += "NEXT_TILE:
    setp.ge.u32 %p, %key0, %last;
    @%p bra SUMMED;
    mov.u32 %depth, 0;
";
    for own in 0..OWN {
        for key in 0..OWN_KEYS {
            text += &format!("    mov.f32 %s{own}_{key}, 0f00000000;\n");
        }
    }
    text += "NEXT_DEPTH:\n";
    if !variant.has_whole_queries() {
        text += &load_queries(variant);
    }
    text += &load_keys(variant);
    text += "    bar.sync 0;
    mov.u32 %from_left, %left_own;
    mov.u32 %from_right, %right_own;
    mov.u32 %step, 0;
NEXT_SCORE:
";
    for key in 0..OWN_KEYS {
        text += &format!(
            "    ld.shared.f32 %b{key}, [%from_right+{}];\n",
            key * WARP * 4
        );
    }
    for own in 0..OWN {
        text += &format!("    ld.shared.f32 %a, [%from_left+{}];\n", own * depth * 4);
        for key in 0..OWN_KEYS {
            text += &format!("    fma.rn.f32 %s{own}_{key}, %a, %b{key}, %s{own}_{key};\n");
        }
    }
    text += &format!(
        "    add.u32 %from_left, %from_left, 4;
    add.u32 %from_right, %from_right, {line};
    add.u32 %step, %step, 1;
    setp.lt.u32 %p, %step, {depth};
    @%p bra NEXT_SCORE;
    bar.sync 0;
    add.u32 %depth, %depth, {depth};
    setp.lt.u32 %p, %depth, %size;
    @%p bra NEXT_DEPTH;
",
        line = PITCH * 4
    );
    for own in 0..OWN {
        text += &shares(own, columns);
    }
    text += &add_values(variant);
    text += &format!(
        "    add.u32 %key0, %key0, {KEYS};
    bra NEXT_TILE;
SUMMED:
"
    );
    for own in 0..OWN {
        text += &result(element, own, columns);
    }
    text + "    ret;\n}\n"
}

/// Adds the values of a tile, each times its share.
fn add_values(variant: Variant) -> String {
    let columns = variant.padded_size / WARP;
    let mut text = format!(
        "    mov.u32 %r0, %key0;
    mov.u32 %from_shares, %first_shares;
    add.u32 %end, %key0, {KEYS};
NEXT_VALUES:
"
    );
    text += &load_values(variant);
    text += "    bar.sync 0;
    mad.lo.u32 %from_values, %tx, 4, %right;
    mov.u32 %step, 0;
NEXT_VALUE:
";
    for column in 0..columns {
        text += &format!(
            "    ld.shared.f32 %b{column}, [%from_values+{}];\n",
            column * WARP * 4
        );
    }
    for own in 0..OWN {
        text += &format!("    ld.shared.f32 %a, [%from_shares+{}];\n", own * KEYS * 4);
        for column in 0..columns {
            text +=
                &format!("    fma.rn.f32 %o{own}_{column}, %a, %b{column}, %o{own}_{column};\n");
        }
    }
    text + &format!(
        "    add.u32 %from_shares, %from_shares, 4;
    add.u32 %from_values, %from_values, {line};
    add.u32 %step, %step, 1;
    setp.lt.u32 %p, %step, {rows};
    @%p bra NEXT_VALUE;
    bar.sync 0;
    add.u32 %r0, %r0, {rows};
    setp.lt.u32 %p, %r0, %end;
    @%p bra NEXT_VALUES;
",
        line = variant.padded_size * 4,
        rows = variant.value_rows()
    )
}

fn declarations(variant: Variant) -> String {
    let (padded_size, depth) = (variant.padded_size, variant.depth());
    let mut names = Vec::new();
    for name in ["q", "k", "v", "o"] {
        names.push(("u64", name.to_owned()));
    }
    for name in ["q", "k", "v", "o"] {
        for stride in ["batch", "head", "row"] {
            names.push(("u64", format!("{name}_{stride}")));
        }
    }
    for name in ["lengths", "lengths_step"] {
        names.push(("u64", name.to_owned()));
    }
    for name in [
        "queries",
        "keys",
        "size",
        "group",
        "is_causal",
        "has_lengths",
    ] {
        names.push(("u32", name.to_owned()));
    }
    names.push(("f32", "scale".to_owned()));
    let parameters: Vec<(&str, &str)> = names.iter().map(|(ty, name)| (*ty, &**name)).collect();
    let columns = padded_size / WARP;
    let mut floats = vec!["%e, %y, %ref, %a".to_owned()];
    for register in 0..columns.max(OWN_KEYS) {
        floats.push(format!("%b{register}"));
    }
    for own in 0..OWN {
        floats.push(format!("%most{own}, %sum{own}"));
        for key in 0..OWN_KEYS {
            floats.push(format!("%s{own}_{key}"));
        }
        for column in 0..columns {
            floats.push(format!("%o{own}_{column}"));
        }
    }
    head(
        "Attention: a tile of the queries of one head for each block.",
        "attention",
        &parameters,
        &[
            ("left_part", QUERIES * depth * 4),
            (
                "right_part",
                (depth * PITCH).max(variant.value_rows() * padded_size) * 4,
            ),
            ("shares", QUERIES * KEYS * 4),
        ],
        &[
            ("pred", "%p"),
            ("b16", "%h"),
            (
                "b32",
                "%u, %w, %t, %tx, %ty, %i, %count, %r, %r0, %c, %to, %step, %end, %depth, %head, %key0, %query0",
            ),
            (
                "b32",
                "%left, %right, %left_own, %right_own, %from_left, %from_right, %from_shares, %from_values, %own_shares, %first_shares",
            ),
            (
                "b32",
                "%limit, %last, %seen, %before, %query, %batch, %key_head, %see0, %see1, %see2, %see3",
            ),
            ("b64", "%at, %z, %y64, %to_row"),
            ("f32", &floats.join(", ")),
        ],
    )
}

/// Where the operands of a block's head lie, where a thread's parts in shared memory do, and how many keys
/// each of its queries sees.
fn begin(variant: Variant) -> String {
    let columns = variant.padded_size / WARP;
    // What is the same in all threads has registers of its own: the processor's compiler looks at registers
    // and not at what is in them at a time.
    let mut text = "    mov.u32 %batch, %ctaid.z;
    cvt.u64.u32 %z, %batch;
    mov.u32 %head, %ctaid.y;
    cvt.u64.u32 %y64, %head;
    mad.lo.u64 %q, %y64, %q_head, %q;
    mad.lo.u64 %o, %y64, %o_head, %o;
    div.u32 %key_head, %head, %group;
    cvt.u64.u32 %y64, %key_head;
    mad.lo.u64 %k, %y64, %k_head, %k;
    mad.lo.u64 %v, %y64, %v_head, %v;
"
    .to_owned();
    for name in ["q", "k", "v", "o"] {
        text += &format!("    mad.lo.u64 %{name}, %z, %{name}_batch, %{name};\n");
    }
    text += &format!(
        "    mov.u32 %tx, %tid.x;
    mov.u32 %ty, %tid.y;
    mad.lo.u32 %t, %ty, {WARP}, %tx;
    mov.u32 %left, left_part;
    mov.u32 %right, right_part;
    mad.lo.u32 %left_own, %ty, {own_bytes}, %left;
    mad.lo.u32 %right_own, %tx, 4, %right;
    mov.u32 %first_shares, shares;
    mad.lo.u32 %first_shares, %ty, {shares_bytes}, %first_shares;
    mad.lo.u32 %own_shares, %tx, 4, %first_shares;
    mov.u32 %query0, %ctaid.x;
    mul.lo.u32 %query0, %query0, {QUERIES};
    mov.u32 %key0, 0;
    mov.u32 %limit, %keys;
    setp.eq.u32 %p, %has_lengths, 0;
    @%p bra NO_LENGTHS;
    mad.lo.u64 %y64, %z, %lengths_step, %lengths;
    ld.global.u32 %seen, [%y64];
    min.u32 %limit, %limit, %seen;
NO_LENGTHS:
    mov.u32 %last, %limit;
    mov.u32 %see0, %limit;
    mov.u32 %see1, %limit;
    mov.u32 %see2, %limit;
    mov.u32 %see3, %limit;
    setp.eq.u32 %p, %is_causal, 0;
    @%p bra NOT_CAUSAL;
    sub.u32 %before, %keys, %queries;
    add.u32 %before, %before, %query0;
    add.s32 %seen, %before, {QUERIES};
    max.s32 %seen, %seen, 0;
    min.u32 %last, %last, %seen;
    mad.lo.u32 %before, %ty, {OWN}, %before;
",
        own_bytes = OWN * variant.depth() * 4,
        shares_bytes = OWN * KEYS * 4,
    );
    for own in 0..OWN {
        text += &format!(
            "    add.s32 %seen, %before, {};
    max.s32 %seen, %seen, 0;
    min.u32 %see{own}, %see{own}, %seen;
",
            own + 1
        );
    }
    text += "NOT_CAUSAL:\n";
    for own in 0..OWN {
        text += &format!(
            "    mov.f32 %most{own}, {};\n    mov.f32 %sum{own}, 0f00000000;\n",
            float(f32::NEG_INFINITY)
        );
        for column in 0..columns {
            text += &format!("    mov.f32 %o{own}_{column}, 0f00000000;\n");
        }
    }
    text
}

/// Writes the result of one of a thread's queries.
fn result(element: Element, own: u32, columns: u32) -> String {
    let mut text = format!("    mov.f32 %y, %sum{own};\n");
    text += &combine("add.rn.f32");
    // The result of a query that sees no key is zero. That of one that sees keys whose scores are all minus
    // infinity, with a sum of zero too, is no number, as of a softmax.
    text += &format!(
        "    setp.eq.u32 %p, %see{own}, 0;
    rcp.rn.f32 %y, %y;
    selp.f32 %y, 0f00000000, %y, %p;
    mad.lo.u32 %query, %ty, {OWN}, {own};
    add.u32 %query, %query, %query0;
    setp.ge.u32 %p, %query, %queries;
    @%p bra WRITTEN{own};
    cvt.u64.u32 %to_row, %query;
    mad.lo.u64 %to_row, %to_row, %o_row, %o;
"
    );
    for column in 0..columns {
        text += &format!(
            "    add.u32 %c, %tx, {first};
    setp.ge.u32 %p, %c, %size;
    @%p bra WRITTEN{own};
    mad.wide.u32 %at, %c, {bytes}, %to_row;
    mul.rn.f32 %e, %o{own}_{column}, %y;
    {store}
",
            first = column * WARP,
            bytes = element.factor_bytes(),
            store = store(element, "%e", "%at"),
        );
    }
    text + &format!("WRITTEN{own}:\n")
}
