//! Collectives held against the definitions of the PTX manual, one lane at a time.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// What each lane gets, where these take part and bring these words.
fn evaluate(op: WarpOp, members: u32, inputs: &[LaneWords]) -> Vec<LaneWords> {
    let mut exchange = WarpExchange::default();
    // What an earlier collective has left there.
    exchange.inputs.resize(MAX_INPUTS, [0xdead; 32]);
    exchange.results.resize(MAX_RESULTS, [0xbeef; 32]);
    exchange.inputs(op).copy_from_slice(inputs);
    exchange.evaluate(op, members).to_vec()
}

/// `shfl.sync` in the words of the manual: what lane `lane` gets, and its predicate.
fn shuffled(mode: ShuffleMode, lane: i64, a: &LaneWords, b: u64, c: u64, members: u32) -> [u64; 2] {
    let bval = (b & 0x1f) as i64;
    let cval = (c & 0x1f) as i64;
    let mask = ((c >> 8) & 0x1f) as i64;
    let max_lane = (lane & mask) | (cval & !mask);
    let min_lane = lane & mask;
    let (mut j, pval) = match mode {
        ShuffleMode::Up => (lane - bval, lane - bval >= max_lane),
        ShuffleMode::Down => (lane + bval, lane + bval <= max_lane),
        ShuffleMode::Butterfly => (lane ^ bval, lane ^ bval <= max_lane),
        ShuffleMode::Index => {
            let j = min_lane | (bval & !mask);
            (j, j <= max_lane)
        }
    };
    if !pval {
        j = lane;
    }
    // Reading a lane that takes no part is undefined there; here the own value is read.
    let from = if members >> j & 1 == 1 { j } else { lane };
    [a[from as usize], u64::from(pval)]
}

fn words() -> impl Strategy<Value = LaneWords> {
    // Few values, so that lanes agree often.
    prop::array::uniform32(prop_oneof![
        0u64..3,
        any::<u32>().prop_map(u64::from),
        any::<u64>()
    ])
}

fn members() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(u32::MAX),
        1u32..=u32::MAX,
        (0u32..32).prop_map(|lane| 1 << lane)
    ]
}

const SHUFFLES: [ShuffleMode; 4] = [
    ShuffleMode::Up,
    ShuffleMode::Down,
    ShuffleMode::Butterfly,
    ShuffleMode::Index,
];

proptest! {
    #[test]
    fn shuffles_read_the_lane_that_the_manual_says(
        a in words(),
        b in words(),
        c in prop::array::uniform32(0u64..0x2000),
        members in members(),
    ) {
        for mode in SHUFFLES {
            let found = evaluate(WarpOp::Shuffle(mode), members, &[a, b, c]);
            for lane in lanes(members) {
                let expected = shuffled(mode, lane as i64, &a, b[lane], c[lane], members);
                prop_assert_eq!([found[0][lane], found[1][lane]], expected, "{:?}", mode);
            }
        }
    }

    #[test]
    fn votes_and_matches_are_those_of_the_members(a in words(), members in members()) {
        let present: Vec<usize> = (0..32).filter(|lane| members >> lane & 1 == 1).collect();
        let set = |wanted: &dyn Fn(usize) -> bool| -> u64 {
            present.iter().filter(|lane| wanted(**lane)).map(|lane| 1u64 << lane).sum()
        };
        let predicates = a.map(|word| word & 1);
        let all = present.iter().all(|lane| predicates[*lane] == 1);
        let none = present.iter().all(|lane| predicates[*lane] == 0);
        let expected = [
            (VoteMode::All, u64::from(all)),
            (VoteMode::Any, u64::from(!none)),
            (VoteMode::Uniform, u64::from(all || none)),
            (VoteMode::Ballot, set(&|lane| predicates[lane] == 1)),
        ];
        for (mode, expected) in expected {
            let found = evaluate(WarpOp::Vote(mode), members, &[predicates]);
            prop_assert!(present.iter().all(|lane| found[0][*lane] == expected), "{:?}", mode);
        }
        let any = evaluate(WarpOp::MatchAny, members, &[a]);
        let each = evaluate(WarpOp::MatchAll, members, &[a]);
        let same = present.iter().all(|lane| a[*lane] == a[present[0]]);
        for lane in &present {
            prop_assert_eq!(any[0][*lane], set(&|other| a[other] == a[*lane]));
            prop_assert_eq!(each[0][*lane], if same { u64::from(members) } else { 0 });
            prop_assert_eq!(each[1][*lane], u64::from(same));
        }
    }

    #[test]
    fn reductions_are_those_of_integers(a in prop::array::uniform32(any::<u32>()), members in members()) {
        use Modifier::{Add, And, Max, Min, Or, Xor};
        let present: Vec<u32> = lanes(members).map(|lane| a[lane]).collect();
        let values = || present.iter().copied();
        let signed = || values().map(u32::cast_signed);
        let expected = [
            (Add, Type::U32, values().fold(0, u32::wrapping_add)),
            (Min, Type::U32, values().min().unwrap()),
            (Max, Type::U32, values().max().unwrap()),
            (Min, Type::S32, signed().min().unwrap().cast_unsigned()),
            (Max, Type::S32, signed().max().unwrap().cast_unsigned()),
            (And, Type::B32, values().fold(u32::MAX, |a, b| a & b)),
            (Or, Type::B32, values().fold(0, |a, b| a | b)),
            (Xor, Type::B32, values().fold(0, |a, b| a ^ b)),
        ];
        for (word, ty, expected) in expected {
            let op = WarpOp::Reduce(Reduction::new(word, ty).unwrap());
            let found = evaluate(op, members, &[a.map(u64::from)]);
            for lane in lanes(members) {
                prop_assert_eq!(found[0][lane], u64::from(expected), "{:?} {:?}", word, ty);
            }
        }
    }

    #[test]
    fn one_leader_is_elected_and_everyone_knows_it(members in members()) {
        let found = evaluate(WarpOp::Elect, members, &[]);
        let leader = u64::from(members.trailing_zeros());
        for lane in lanes(members) {
            prop_assert_eq!(found[0][lane], leader);
            prop_assert_eq!(found[1][lane], u64::from(lane as u64 == leader));
        }
    }
}

#[test]
fn every_collective_keeps_to_the_bounds_of_words() {
    let reduction = Reduction::new(Modifier::Add, Type::U32).unwrap();
    let ops = [
        WarpOp::Shuffle(ShuffleMode::Up),
        WarpOp::Vote(VoteMode::All),
        WarpOp::MatchAny,
        WarpOp::MatchAll,
        WarpOp::Reduce(reduction),
        WarpOp::Elect,
        WarpOp::Barrier,
    ];
    for op in ops {
        assert!(op.inputs() <= MAX_INPUTS && op.results() <= MAX_RESULTS);
    }
    assert_eq!(evaluate(WarpOp::Barrier, u32::MAX, &[]), [[0; 32]; 0]);
}

#[test]
fn there_is_no_reduction_by_a_word_that_is_none() {
    assert_eq!(Reduction::new(Modifier::Idx, Type::U32), None);
    assert_eq!(Reduction::new(Modifier::Min, Type::F32), None);
}
