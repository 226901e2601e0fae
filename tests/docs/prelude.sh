# Comes before each page's script, which bash runs. Commands of cargo run in the checkout itself;
# `tensor-wasm serve`, `node` and `dev` run in the background, and the script goes on
# once they listen. The client's commands ask the one that runs. A Prometheus that the page starts in
# the background has a free port too, and is left out where none is installed. A project that
# `tensor-wasm new` creates is built in a folder that such projects have in common, of the
# crates of the checkout's lock file, without a network. A change by `sed` to what `dev` serves
# is waited for.
set -euo pipefail
patience=2400
server=
admin=
developing=
stop() { if [ -n "$server" ]; then kill -TERM "$server" && wait "$server"; server=; fi; }
trap 'stop; for job in $(jobs -p); do kill "$job" || true; done' EXIT
graphs=127.0.0.1:$((20000 + RANDOM % 12000))
prometheus() {
    type -P prometheus > graphs.log || { echo "left out: prometheus is not installed" >&2; return 0; }
    sed -i "s/127.0.0.1:9090/$admin/" prometheus.yml
    exec "$(type -P prometheus)" "${@//127.0.0.1:9091/$graphs}" --log.level error > graphs.log 2>&1
}
promtool() {
    type -P promtool > promtool.log || { echo "tensor_wasm is left out"; return 0; }
    command promtool "${@//127.0.0.1:9091/$graphs}"
}
pidof() { echo "$server"; }
cargo() { (cd "$CHECKOUT" && command cargo "$@"); }
curl() { command curl --silent --show-error --max-time 120 "${@//127.0.0.1:8080/${address:-}}"; echo; }
builds() { grep -s '^serving ' log | wc -l; }
sed() {
    local before=$(builds)
    command sed "$@"
    [ -z "$developing" ] || built $((before + 1))
}
built() {
    for attempt in $(seq "$patience"); do
        [ "$(builds)" -lt "$1" ] || return 0
        sleep 0.05
    done
    cat log >&2
    return 1
}
project() {
    mkdir -p "$PROJECTS"
    ln -s "$PROJECTS" "$1/target"
    cp "$CHECKOUT/Cargo.lock" "$1"
}
tensor-wasm() {
    if [ "$1" = dev ]; then
        stop
        rm -f log
        command tensor-wasm "$@" --addr 127.0.0.1:0 > started 2> log &
        server=$! developing=yes
        built 1
        address=$(command sed -n 's,^listening on https*://,,p' started)
        return
    fi
    if [ "$1" != serve ] && [ "$1" != node ]; then
        TENSOR_WASM_SERVER="http://${address:-}" command tensor-wasm "$@" || return
        [ "$1" != new ] || project "$2"
        return
    fi
    stop
    developing=
    rm -f started
    command tensor-wasm "${@//127.0.0.1:9090/127.0.0.1:0}" --addr 127.0.0.1:0 > started 2> log &
    server=$!
    for attempt in $(seq "$patience"); do
        if grep -qs '^device ' started; then
            address=$(command sed -n 's,^listening on https*://,,p' started)
            admin=$(command sed -n 's,^admin on http://,,p' started)
            return
        fi
        kill -0 "$server" || { cat log >&2; return 1; }
        sleep 0.05
    done
    echo "the server does not start" >&2
    return 1
}
