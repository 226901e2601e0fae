//! Kernels of several shapes, each as large as it is asked for: what an engine takes longest for.

use std::fmt::Write;

/// A kernel's lines, for a size.
pub type Shape = (&'static str, fn(usize) -> String);

pub const SHAPES: [Shape; 23] = [
    ("multiply-adds", |size| {
        lines(size, |i| {
            format!(
                "fma.rn.f32 %f{}, %f{}, %f{}, %f{};",
                i % 40,
                (i + 7) % 40,
                (i + 3) % 40,
                i % 40
            )
        })
    }),
    ("runs of sums", |size| {
        lines(size, |i| {
            format!(
                "ld.global.f32 %f{0}, [%own+{1}];\nld.global.f32 %f{2}, [%in+{1}];\nfma.rn.f32 %f{3}, %f{0}, %f{2}, %f{3};",
                i % 8,
                i * 4,
                8 + i % 8,
                16 + i % 24,
            )
        })
    }),
    ("fresh registers", |size| {
        lines(size, |i| {
            format!("fma.rn.f32 %f{}, %f{}, %f{}, %f0;", i + 8, i + 7, i + 1)
        })
    }),
    ("loads and stores", |size| {
        lines(size, |i| {
            format!(
                "ld.global.f32 %f{0}, [%own+{1}];\nst.global.f32 [%own+{1}], %f{0};",
                i % 40,
                i * 4
            )
        })
    }),
    ("by two pointers", |size| {
        lines(size, |i| {
            format!(
                "ld.global.f32 %f{0}, [%in+{1}];\nst.global.f32 [%own+{1}], %f{0};",
                i % 40,
                i * 4
            )
        })
    }),
    ("all loaded, then all stored", |size| {
        lines(size, |i| format!("ld.global.f32 %f{i}, [%own+{}];", i * 4))
            + &lines(size, |i| {
                format!("st.global.f32 [%own+{}], %f{};", i * 4, size - 1 - i)
            })
    }),
    ("gathers", |size| {
        lines(size, |i| {
            let (to, from) = (i % 40, (i + 1) % 40);
            format!(
                "and.b32 %r{from}, %r{from}, 1020;\ncvt.u64.u32 %d1, %r{from};\nadd.s64 %d1, %d1, %in;\nld.global.u32 %r{to}, [%d1];"
            )
        })
    }),
    ("divisions", |size| {
        lines(size, |i| {
            format!(
                "div.s64 %d{}, %d{}, %d{};\nsqrt.rn.f64 %g{0}, %g{0};",
                i % 20 + 2,
                i % 20 + 3,
                i % 20 + 4
            )
        })
    }),
    ("branches apart", |size| {
        lines(size, |i| {
            format!(
                "setp.gt.u32 %p1, %r{}, {i};\n@%p1 bra L{i};\nadd.u32 %r{0}, %r{0}, %t;\nmul.lo.u32 %r3, %r3, %t;\nL{i}:",
                i % 40
            )
        })
    }),
    ("loops", |size| {
        lines(size, |i| {
            format!("L{i}:\nadd.u32 %r1, %r1, 1;\nsetp.lt.u32 %p1, %r1, %t;\n@%p1 bra L{i};")
        })
    }),
    ("barriers", |size| {
        lines(40, |i| format!("ld.global.f32 %f{i}, [%own+{}];", i * 4))
            + &lines(size, |i| {
                format!(
                    "bar.sync 0;\nadd.f32 %f{0}, %f{0}, %f{1};",
                    i % 40,
                    (i + 1) % 40
                )
            })
            + &lines(40, |i| format!("st.global.f32 [%own+{}], %f{i};", i * 4))
    }),
    ("registers across barriers", |size| {
        lines(size, |i| format!("ld.global.f32 %f{i}, [%own+{}];", i * 4))
            + &"bar.sync 0;\n".repeat(8)
            + &lines(size, |i| {
                format!("st.global.f32 [%own+{}], %f{};", i * 4, size - 1 - i)
            })
    }),
    ("what all have in common, across barriers", |size| {
        lines(size, |i| format!("ld.global.f32 %f{i}, [%in+{}];", i * 4))
            + &"bar.sync 0;\n".repeat(8)
            + &lines(size, |i| {
                format!("st.global.f32 [%in+{}], %f{};", i * 4, size - 1 - i)
            })
    }),
    // A jump through a list of labels has an edge for each of them.
    ("jumps through one table", |size| {
        format!("T: .branchtargets {};\n", labels(size))
            + &jumps(size, |_| "T".to_owned())
            + "JEND:\n"
    }),
    ("jumps through tables of their own", |size| {
        lines(size, |i| format!("T{i}: .branchtargets {};", labels(size)))
            + &jumps(size, |i| format!("T{i}"))
            + "JEND:\n"
    }),
    // Each label is reached with forty values in use, of which each jump changes one.
    ("jumps with forty values", |size| {
        let table = format!("T: .branchtargets {};\n", labels(size));
        with_forty_values(&(table + &jumps(size, |_| "T".to_owned())))
    }),
    (
        "jumps with forty values through tables of their own",
        |size| {
            let tables = lines(size, |i| format!("T{i}: .branchtargets {};", labels(size)));
            with_forty_values(&(tables + &jumps(size, |i| format!("T{i}"))))
        },
    ),
    // Each label is reached from the two before it, of which each changes another value.
    ("branches over one another", |size| {
        let branches = lines(size, |i| {
            format!(
                "J{i}:\nsetp.gt.u32 %p1, %r{}, %t;\nadd.f32 %f{}, %f{}, %f{};\n@%p1 bra J{};",
                i % 40,
                i % 40,
                i % 40,
                (i + 1) % 40,
                i + 2
            )
        });
        with_forty_values(&(branches + &format!("J{size}:\nJ{}:\n", size + 1)))
    }),
    ("loops with barriers", |size| {
        lines(size, |i| {
            format!(
                "L{i}:\nbar.sync 0;\nadd.u32 %r1, %r1, 1;\nsetp.lt.u32 %p1, %r1, {i};\n@%p1 bra L{i};"
            )
        })
    }),
    ("loops in loops with barriers", |size| {
        lines(size, |i| {
            let begin = lines(20, |depth| format!("L{i}_{depth}:\nadd.u32 %r1, %r1, 1;"));
            let end = lines(20, |depth| {
                format!(
                    "setp.lt.u32 %p1, %r1, {};\n@%p1 bra L{i}_{};",
                    i + depth,
                    19 - depth
                )
            });
            format!("{begin}bar.sync 0;\n{end}")
        })
    }),
    ("loops with two entries", |size| {
        lines(size, |i| {
            format!(
                "setp.lt.u32 %p1, %r1, %r2;\n@%p1 bra M{i};\nL{i}:\nadd.u32 %r1, %r1, 1;\n\
                 M{i}:\nadd.u32 %r2, %r2, %r1;\nsetp.lt.u32 %p1, %r2, %t;\n@%p1 bra L{i};"
            )
        })
    }),
    ("accesses under predicates", |size| {
        lines(size, |i| {
            format!(
                "setp.gt.u32 %p1, %r{0}, {i};\n@%p1 ld.global.u32 %r{0}, [%in+{1}];",
                i % 40,
                i * 4
            )
        })
    }),
    ("nothing", |_| String::new()),
];

/// The labels of so many jumps.
fn labels(size: usize) -> String {
    let labels = (0..size.max(1)).map(|i| format!("J{i}"));
    labels
        .chain(["JEND".to_owned()])
        .collect::<Vec<String>>()
        .join(", ")
}

/// So many jumps, each behind a label, and each through the table that has this name.
fn jumps(size: usize, table: impl Fn(usize) -> String) -> String {
    lines(size.max(1), |i| {
        format!(
            "J{i}:\nadd.u32 %r1, %r1, %t;\nadd.f32 %f{0}, %f{0}, %f{1};\nbrx.idx %r1, {2};",
            i % 40,
            (i + 1) % 40,
            table(i)
        )
    })
}

/// Loads forty values before these lines, and stores them behind.
fn with_forty_values(body: &str) -> String {
    let loads = lines(40, |i| format!("ld.global.f32 %f{i}, [%own+{}];", i * 4));
    let stores = lines(40, |i| format!("st.global.f32 [%own+{}], %f{i};", i * 4));
    loads + body + "JEND:\n" + &stores
}

pub fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for i in 0..count {
        writeln!(text, "{}", line(i)).unwrap();
    }
    text
}

/// A module with one kernel, `k`, of these lines.
pub fn module(body: &str, size: usize) -> String {
    format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 in)\n{{\n\
         .reg .pred %p<4>; .reg .b32 %r<48>, %t; .reg .b64 %d<48>, %in, %own; .reg .f64 %g<48>;\n\
         .reg .f32 %f<{}>;\nld.param.u64 %in, [in];\nmov.u32 %t, %tid.x;\n\
         mul.wide.u32 %own, %t, 4;\nadd.s64 %own, %own, %in;\n\
         {body}\nst.global.f32 [%own], %f7;\nst.global.u32 [%own], %r3;\nst.global.u32 [%own], %r1;\n\
         st.global.u64 [%in], %d2;\nst.global.f64 [%in], %g2;\nret;\n}}\n",
        size + 48
    )
}
