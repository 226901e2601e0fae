//! What the special registers hold, but for the clocks, which are whoever's that runs the kernel
//! (PTX manual, "Special Registers").

use crate::Extent;
use crate::simt::geometry::{Geometry, lane_of, warp_of};
use crate::simt::launch::Launch;
use crate::simt::warp::WARP_LANES;
use crate::syntax::types::Special;

/// What a register always holds; `None` where that depends on the launch or on the thread. The device
/// is one multiprocessor.
pub(crate) fn of_device(special: Special) -> Option<u32> {
    match special {
        Special::WarpSize => Some(WARP_LANES),
        Special::Nsmid => Some(1),
        Special::Smid | Special::Gridid => Some(0),
        _ => None,
    }
}

/// Whether a register is the same for all threads of a launch: [`of_launch`] has a value for it.
pub(crate) fn is_of_launch(special: Special) -> bool {
    use Special::*;
    let own = matches!(
        special,
        Ntid(_) | Nctaid(_) | Nwarpid | DynamicSharedSize | TotalSharedSize
    );
    own || of_device(special).is_some()
}

/// What a register holds for all threads of a launch; `None` where that depends on the thread.
pub(crate) fn of_launch(special: Special, launch: &Launch) -> Option<u32> {
    let geometry = &launch.geometry;
    match special {
        Special::Ntid(dimension) => Some(geometry.block.dimension(dimension)),
        Special::Nctaid(dimension) => Some(geometry.grid.dimension(dimension)),
        Special::Nwarpid => Some(geometry.warps()),
        Special::DynamicSharedSize => Some(launch.dynamic_shared_bytes),
        Special::TotalSharedSize => Some(launch.shared_bytes),
        other => of_device(other),
    }
}

/// What a register holds for a thread of the block at this place of the grid; `None` where it is the
/// same for the whole launch, or a clock.
pub(crate) fn of_thread(
    special: Special,
    geometry: &Geometry,
    block: Extent,
    thread: u32,
) -> Option<u32> {
    let lane = lane_of(thread);
    let own = 1 << lane;
    let below = own - 1;
    Some(match special {
        Special::Tid(dimension) => {
            let place = geometry.thread_index(thread)?;
            place.dimension(dimension)
        }
        Special::Ctaid(dimension) => block.dimension(dimension),
        Special::Laneid => lane,
        Special::Warpid => warp_of(thread),
        Special::LanemaskEq => own,
        Special::LanemaskLt => below,
        Special::LanemaskLe => below | own,
        Special::LanemaskGe => !below,
        Special::LanemaskGt => !(below | own),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::{Limits, parse};

    const REGISTERS: [Special; 28] = [
        Special::Tid(0),
        Special::Tid(2),
        Special::Ntid(0),
        Special::Ntid(1),
        Special::Ctaid(0),
        Special::Ctaid(1),
        Special::Nctaid(1),
        Special::Laneid,
        Special::Warpid,
        Special::Nwarpid,
        Special::Smid,
        Special::Nsmid,
        Special::Gridid,
        Special::LanemaskEq,
        Special::LanemaskLe,
        Special::LanemaskLt,
        Special::LanemaskGe,
        Special::LanemaskGt,
        Special::Clock,
        Special::ClockHi,
        Special::Clock64,
        Special::GlobalTimer,
        Special::GlobalTimerLo,
        Special::GlobalTimerHi,
        Special::DynamicSharedSize,
        Special::TotalSharedSize,
        Special::WarpSize,
        Special::Nctaid(2),
    ];

    fn launch() -> Launch {
        let text = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { ret; }\n";
        let module = Arc::new(parse(text.as_bytes(), &Limits::default()).unwrap());
        let grid = Extent { x: 2, y: 3, z: 5 };
        let block = Extent { x: 7, y: 4, z: 2 };
        Launch::new(module, "k", grid, block, 48, Vec::new(), Vec::new()).unwrap()
    }

    #[test]
    fn each_register_is_of_the_launch_of_the_thread_or_a_clock() {
        let launch = launch();
        for special in REGISTERS {
            let of_launch = of_launch(special, &launch).is_some();
            let of_thread = of_thread(special, &launch.geometry, Extent::ORIGIN, 0).is_some();
            let name = special.to_string();
            let clock = name.starts_with("%clock") || name.starts_with("%globaltimer");
            assert_eq!(
                u8::from(of_launch) + u8::from(of_thread) + u8::from(clock),
                1,
                "{name}"
            );
            assert_eq!(is_of_launch(special), of_launch, "{name}");
        }
    }

    #[test]
    fn lane_masks_are_those_of_the_manual() {
        let launch = launch();
        let block = Extent { x: 1, y: 2, z: 4 };
        for thread in 0..launch.geometry.threads {
            let of =
                |special| u64::from(of_thread(special, &launch.geometry, block, thread).unwrap());
            let lane = u64::from(thread % 32);
            let mask = |wanted: &dyn Fn(u64) -> bool| -> u64 {
                (0..32)
                    .filter(|other| wanted(*other))
                    .map(|other| 1 << other)
                    .sum()
            };
            assert_eq!(of(Special::LanemaskEq), mask(&|other| other == lane));
            assert_eq!(of(Special::LanemaskLe), mask(&|other| other <= lane));
            assert_eq!(of(Special::LanemaskLt), mask(&|other| other < lane));
            assert_eq!(of(Special::LanemaskGe), mask(&|other| other >= lane));
            assert_eq!(of(Special::LanemaskGt), mask(&|other| other > lane));
            let (x, y, z) = (
                of(Special::Tid(0)),
                of(Special::Tid(1)),
                of(Special::Tid(2)),
            );
            assert_eq!(x + 7 * (y + 4 * z), u64::from(thread));
            assert_eq!(
                of(Special::Warpid) * 32 + of(Special::Laneid),
                u64::from(thread)
            );
            assert_eq!(of(Special::Ctaid(2)), 4);
        }
        assert_eq!(of_launch(Special::Nwarpid, &launch), Some(2));
        assert_eq!(of_launch(Special::Ntid(1), &launch), Some(4));
        assert_eq!(of_launch(Special::Nctaid(2), &launch), Some(5));
    }
}
