//! Any bytes are read as a snapshot or refused: as they are, and as what stands behind a header that is
//! right, so that they come to the manifest and the chunks.
#![no_main]

use tensor_wasm_snapshot::{
    Chunk, FileManifest, Keys, NodeManifest, RecordingManifest, header, verify, verify_as,
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let keys = Keys::default();
    let _ = verify(data, &keys);
    let _ = verify_as::<NodeManifest>(data, &keys);
    let _ = verify_as::<RecordingManifest>(data, &keys);
    // The manifest ends at the first line break.
    let end = data.iter().position(|byte| *byte == b'\n');
    let (manifest, chunks) = data.split_at(end.unwrap_or(data.len()));
    let mut header = header::Header {
        version: 1,
        algorithm: 0,
        manifest_bytes: manifest.len() as u32,
        manifest_digest: *blake3::hash(manifest).as_bytes(),
        key_id: [0; 32],
        signature: [0; 64],
    };
    let file = [&header.encode()[..], manifest, chunks].concat();
    if let Ok(verified) = verify(&file[..], &keys) {
        let head = verified.manifest.head(&keys).map(|head| head.len());
        assert!(head.is_ok_and(|head| verified.manifest.file_bytes(head) >= head as u64));
    }
    header.version = NodeManifest::VERSION;
    let file = [&header.encode()[..], manifest, chunks].concat();
    if let Ok(verified) = verify_as::<NodeManifest>(&file[..], &keys) {
        assert!(verified.manifest.head(&keys).is_ok());
    }
    header.version = RecordingManifest::VERSION;
    let file = [&header.encode()[..], manifest, chunks].concat();
    if let Ok(verified) = verify_as::<RecordingManifest>(&file[..], &keys) {
        assert!(verified.manifest.head(&keys).is_ok());
    }
    // What any stored form decompresses to is no more than is said.
    let Ok(mut chunk) = Chunk::pack(b"") else {
        return;
    };
    chunk.entry.bytes = u32::from(data.first().copied().unwrap_or(0)) << 8;
    chunk.stored = data.get(1..).unwrap_or_default().to_vec();
    if let Ok(bytes) = chunk.unpack() {
        assert_eq!(bytes.len(), chunk.entry.bytes as usize);
    }
});
