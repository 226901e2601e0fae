//! The component `digits`, with the pictures that its network was not trained with.

use serde_json::{Value, json};
use tensor_wasm_tests::{Reply, Serve, SharedServer, component};

static DIGITS: SharedServer = SharedServer::new(|| Serve::new(component("digits")));

/// Pictures and what they show.
const HELD_OUT: &str = include_str!("../../components/digits/held-out.csv");

/// What `train.py` says of them.
const RIGHT: usize = 349;

fn held_out() -> (Vec<Vec<u64>>, Vec<u64>) {
    let lines = HELD_OUT.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut row: Vec<u64> = line
                .split(',')
                .map(|number| number.parse().unwrap())
                .collect();
            let digit = row.pop().unwrap();
            (row, digit)
        })
        .unzip()
}

fn read(pictures: &Value) -> Reply {
    DIGITS.get().post("/", pictures.to_string())
}

#[test]
fn it_reads_as_many_digits_as_when_it_was_trained() {
    let (pictures, digits) = held_out();
    let reply = read(&json!(pictures));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let readings = reply.json();
    let readings = readings.as_array().unwrap();
    assert_eq!(readings.len(), digits.len());
    let right = readings
        .iter()
        .zip(&digits)
        .filter(|(reading, digit)| reading["digit"] == **digit)
        .count();
    assert_eq!((right, digits.len()), (RIGHT, 359));
    for reading in readings {
        let probability = reading["probability"].as_f64().unwrap();
        assert!((0.1..=1.0 + 1e-6).contains(&probability), "{reading}");
    }
    // One picture alone is read as among others.
    assert_eq!(read(&json!(pictures[..1])).json()[0], readings[0]);
}

#[test]
fn wrong_pictures_are_errors() {
    for (body, text) in [
        (json!([]), "send 1 to 4096"),
        (json!([[1, 2, 3]]), "3 pixels"),
        (json!([vec![17; 64]]), "the pixel 17"),
        (json!([vec![-1; 64]]), "the pixel -1"),
        (json!([vec![Value::Null; 64]]), "list of lists of numbers"),
        (json!(vec![1; 64]), "list of lists of numbers"),
        (json!(vec![vec![0; 64]; 4097]), "4097 pictures"),
    ] {
        let reply = read(&body);
        reply.assert_error(400, "bad_request");
        assert!(reply.text().contains(text), "{}", reply.text());
    }
    assert_eq!(DIGITS.get().get("/").status, 405);
}
