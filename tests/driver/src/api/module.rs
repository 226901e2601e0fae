//! Modules: loading them, and linking texts to images that can be loaded.

use std::sync::{Arc, Mutex};

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::context;
use crate::ffi::{Host, In, Out, Text};
use crate::handle::{Handle, Table};
use crate::jit::{self, Options};
use crate::module::{FUNCTIONS, Function, MODULES, Module};
use crate::sync::lock;

/// Types of input by their number in `CUjitInputType`.
const CUBIN: u32 = 0;
const PTX: u32 = 1;

static LINKS: Table<Link> = Table::new();

/// A link that has begun.
struct Link {
    options: Options,
    /// The one text that it can take: there is no linker here.
    text: Mutex<Option<Vec<u8>>>,
    image: Mutex<Option<Box<[u8]>>>,
}

fn load(to: Out<Handle>, text: &[u8], options: &Options) -> Result {
    to.check()?;
    let context = context::current()?;
    let parsed = options.compile(text)?;
    to.put(MODULES.insert(Arc::new(Module::load(context, parsed)?)))
}

driver_calls! {
    fn cuModuleLoadData(to: Out<Handle>, image: Host) {
        context::current()?;
        load(to, &jit::text_of_image(image)?, &Options::default())
    }

    fn cuModuleLoadDataEx(to: Out<Handle>, image: Host, count: u32, names: In<u32>, values: Host) {
        context::current()?;
        let options = Options::read(count, names, values)?;
        load(to, &jit::text_of_image(image)?, &options)
    }

    fn cuModuleLoad(to: Out<Handle>, path: Text) {
        context::current()?;
        let path = path.get()?.to_str().map_err(|_| Code::FILE_NOT_FOUND)?;
        let mut image = std::fs::read(path).map_err(|_| Code::FILE_NOT_FOUND)?;
        image.push(0);
        let host = Host::from_address(image.as_ptr().expose_provenance());
        load(to, &jit::text_of_image(host)?, &Options::default())
    }

    fn cuModuleUnload(module: Handle) {
        let context = context::current()?;
        let module = MODULES.remove(module)?;
        // Kernels that still run keep what they need of it but its variables.
        context.synchronise()?;
        FUNCTIONS.forget(|function| Arc::ptr_eq(&function.module, &module));
        Ok(())
    }

    fn cuModuleGetFunction(to: Out<Handle>, module: Handle, name: Text) {
        to.check()?;
        context::current()?;
        let found = MODULES.get(module)?;
        let function = Function::find(found, module, name.get()?.to_bytes())?;
        to.put(FUNCTIONS.insert(Arc::new(function)))
    }

    fn cuModuleGetFunctionCount(count: Out<u32>, module: Handle) {
        context::current()?;
        let entries = MODULES.get(module)?.parsed.entries().len();
        count.put(u32::try_from(entries).unwrap_or(u32::MAX))
    }

    fn cuModuleGetGlobal_v2(address: Out<u64>, bytes: Out<usize>, module: Handle, name: Text) {
        context::current()?;
        let (base, size) = MODULES.get(module)?.variable(name.get()?.to_bytes())?;
        address.put_if_wanted(base);
        bytes.put_if_wanted(size);
        Ok(())
    }

    fn cuModuleGetLoadingMode(mode: Out<u32>) {
        mode.put(1)
    }

    fn cuLinkCreate_v2(count: u32, names: In<u32>, values: Host, to: Out<Handle>) {
        to.check()?;
        context::current()?;
        let link = Link {
            options: Options::read(count, names, values)?,
            text: Mutex::default(),
            image: Mutex::default(),
        };
        to.put(LINKS.insert(Arc::new(link)))
    }

    fn cuLinkAddData_v2(
        link: Handle,
        kind: u32,
        data: Host,
        bytes: usize,
        _name: Host,
        _count: u32,
        _names: In<u32>,
        _values: Host,
    ) {
        context::current()?;
        let link = LINKS.get(link)?;
        let text = match kind {
            CUBIN => jit::text_of_image(data)?,
            PTX => {
                let mut text = data.read(bytes);
                // Whether the NUL counts is the caller's choice.
                if text.last() == Some(&0) {
                    text.pop();
                }
                text
            }
            _ => return Err(Code::NOT_SUPPORTED),
        };
        link.options.compile(&text)?;
        let mut added = lock(&link.text);
        if added.is_some() {
            return Err(Code::NOT_SUPPORTED);
        }
        *added = Some(text);
        Ok(())
    }

    fn cuLinkComplete(link: Handle, image: Out<*const u8>, bytes: Out<usize>) {
        context::current()?;
        let link = LINKS.get(link)?;
        let text = lock(&link.text).clone().ok_or(Code::INVALID_VALUE)?;
        let made = jit::image_of_text(&text, link.options.target()).into_boxed_slice();
        let (pointer, size) = (made.as_ptr(), made.len());
        // It lives as long as the link does.
        *lock(&link.image) = Some(made);
        image.put(pointer)?;
        bytes.put_if_wanted(size);
        Ok(())
    }

    fn cuLinkDestroy(link: Handle) {
        context::current()?;
        LINKS.remove(link).map(drop)
    }
}
