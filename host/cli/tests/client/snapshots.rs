//! Snapshots that are sent to a node.

use std::fs::File;

use serde_json::json;

use super::{Answer, Server};

/// Longer than what is sent in one part.
const LENGTH: u64 = 17 << 20;

#[test]
fn what_a_node_says_that_it_has_of_a_file_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.snapshot");
    File::create(&path).unwrap().set_len(LENGTH).unwrap();
    for (offset, parts, words) in [
        (
            u64::MAX,
            1,
            "it has 18446744073709551615 bytes of a snapshot that has 17825792",
        ),
        (LENGTH + 1, 1, "it has 17825793 bytes"),
        (LENGTH, 2, "the snapshot is cut short"),
        (0, 1, "the snapshot is cut short"),
    ] {
        let server = Server::answering(move |_| Answer::json(202, &json!({ "offset": offset })));
        let run = server.run(&["snapshot", "restore", path.to_str().unwrap()]);
        assert!(run.err.contains(words), "{offset}: {}", run.err);
        assert!(run.status != 0 && !run.err.contains("panicked"));
        assert_eq!(server.received().len(), parts, "{offset}");
    }
}
