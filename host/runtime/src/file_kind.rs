//! What a file is that somebody takes for a component, by its first bytes. So that messages say
//! it in words: the decoder's own message lists the bytes, in decimal.

/// What bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// They begin as a component does.
    Component,
    /// They begin as a core module does.
    CoreModule,
    /// They are something else: a sentence about "it".
    Other(String),
}

impl FileKind {
    pub(crate) fn of(bytes: &[u8]) -> FileKind {
        let text = bytes.trim_ascii_start();
        FileKind::Other(match bytes.get(..8) {
            Some([0, b'a', b's', b'm', _, _, 1, 0]) => return FileKind::Component,
            Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => return FileKind::CoreModule,
            Some([0, b'a', b's', b'm', version @ ..]) => {
                format!("it is WebAssembly of an unknown kind, with version bytes {version:?}")
            }
            _ if bytes.is_empty() => "it is empty".to_owned(),
            _ if bytes.starts_with(b"\0asm") => "it ends within its first 8 bytes".to_owned(),
            _ if text.starts_with(b"(component") || text.starts_with(b"(module") => {
                "it is WebAssembly as text, which `wasm-tools parse` translates".to_owned()
            }
            _ => "it does not begin with `\\0asm`".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::FileKind;

    #[test]
    fn what_is_no_webassembly_is_described_in_words() {
        let other = |bytes: &[u8]| match FileKind::of(bytes) {
            FileKind::Other(words) => words,
            kind => panic!("{bytes:?} is {kind:?}"),
        };
        assert_eq!(other(b""), "it is empty");
        assert_eq!(other(b"\0asm"), "it ends within its first 8 bytes");
        assert_eq!(other(&[0xff; 4096]), "it does not begin with `\\0asm`");
        assert_eq!(
            other(b"\n  (component)"),
            "it is WebAssembly as text, which `wasm-tools parse` translates"
        );
        assert!(other(b"\0asm\x09\x09\x09\x09").contains("version bytes [9, 9, 9, 9]"));
    }

    #[test]
    fn components_and_core_modules_are_told_apart_by_their_version() {
        assert_eq!(FileKind::of(b"\0asm\x0d\0\x01\0"), FileKind::Component);
        assert_eq!(FileKind::of(b"\0asm\x01\0\0\0"), FileKind::CoreModule);
    }
}
