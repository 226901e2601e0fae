;; memory_spaces
;; function "run"
  (func (;6;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i64 i64 i64 i32 i32 i32 i32 i32 i32 i64 i32 i64 i64 i64 i64 i64 i32 i32 i32 i32 i32 i64 i64 i32 i32 i64 i64 i64 i64 i64 i64)
    i32.const 0
    i64.load offset=256
    local.set 33
    i32.const 0
    i64.load offset=320
    local.set 34
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 35
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 36
    global.get 0
    local.set 37
    global.get 1
    local.set 38
    global.get 2
    local.set 39
    global.get 3
    local.set 40
    global.get 4
    local.set 41
    global.get 5
    local.set 42
    local.get 0
    i32.const 1
    i32.sub
    local.set 2
    local.get 0
    i32.const 0
    i32.load offset=32
    i32.rem_u
    i32.const 1
    i32.sub
    local.set 3
    local.get 0
    i32.const 0
    i32.load offset=32
    i32.div_u
    i32.const 0
    i32.load offset=36
    i32.rem_u
    local.set 4
    local.get 0
    i32.const 0
    i32.load offset=32
    i32.div_u
    i32.const 0
    i32.load offset=36
    i32.div_u
    local.set 5
    loop ;; label = @1
      block ;; label = @2
        loop ;; label = @3
          local.get 2
          i32.const 1
          i32.add
          local.tee 2
          local.get 1
          i32.ge_s
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            local.get 9
            i32.const 0
            i32.ge_s
            i32.const 0
            i32.load offset=88
            i32.const 0
            i32.ne
            i32.and
            i32.const 0
            i32.atomic.load offset=1114112
            i32.eqz
            i32.and
            if ;; label = @5
              i32.const 0
              i32.const 0
              i32.load offset=88
              i32.const -1
              i32.add
              i32.store offset=88
              i32.const 0
              i32.const 0
              i32.load offset=16
              i32.const 1
              i32.add
              i32.store offset=16
              i32.const 0
              i32.load offset=16
              i32.const 0
              i32.load offset=48
              i32.eq
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
                i32.const 0
                i32.const 0
                i32.store offset=16
                i32.const 0
                i32.const 0
                i32.load offset=20
                i32.const 1
                i32.add
                i32.store offset=20
                i32.const 0
                i32.load offset=20
                i32.const 0
                i32.load offset=52
                i32.eq
                (@metadata.code.branch_hint "\00")
                if ;; label = @7
                  i32.const 0
                  i32.const 0
                  i32.store offset=20
                  i32.const 0
                  i32.const 0
                  i32.load offset=24
                  i32.const 1
                  i32.add
                  i32.store offset=24
                end
              end
              i32.const -1
              local.set 2
              i32.const -1
              local.set 3
              i32.const 0
              local.set 4
              i32.const 0
              local.set 5
              br 2 (;@3;)
            end
            i32.const -1
            return
          end
          local.get 3
          i32.const 1
          i32.add
          local.tee 3
          i32.const 0
          i32.load offset=32
          i32.eq
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            i32.const 0
            local.set 3
            local.get 4
            i32.const 1
            i32.add
            local.set 4
            local.get 4
            i32.const 0
            i32.load offset=36
            i32.eq
            (@metadata.code.branch_hint "\00")
            if ;; label = @5
              i32.const 0
              local.set 4
              local.get 5
              i32.const 1
              i32.add
              local.set 5
            end
          end
          local.get 9
          local.tee 6
          i32.const 0
          i32.lt_s
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            local.get 2
            i32.const 2
            i32.shl
            i32.load offset=384
            local.tee 6
            i32.const 0
            i32.lt_s
            br_if 1 (;@3;)
          end
        end
        local.get 6
        i32.const 1073741823
        i32.and
        local.tee 6
        i32.eqz
        br_if 0 (;@2;)
        local.get 6
        br_table 0 (;@2;)
      end
      i32.const 0
      local.set 6
      local.get 33
      local.set 21
      local.get 21
      local.set 10
      local.get 3
      local.set 22
      local.get 22
      local.set 11
      local.get 11
      i64.extend_i32_u
      local.set 23
      local.get 23
      i64.const 4
      i64.mul
      local.set 24
      local.get 24
      local.set 12
      local.get 10
      local.get 12
      i64.add
      local.set 25
      local.get 25
      local.set 13
      local.get 33
      local.set 26
      local.get 26
      local.set 14
      local.get 34
      local.set 27
      local.get 27
      i64.const 4
      i64.add
      local.set 7
      local.get 7
      local.get 37
      i64.sub
      i64.const 2
      i64.rotr
      local.get 38
      i64.ge_u
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 2
        local.get 7
        call 1
        local.tee 38
        global.set 1
        local.tee 37
        global.set 0
      end
      local.get 7
      i32.wrap_i64
      i32.load 1
      local.set 28
      local.get 28
      local.set 15
      i32.const 4
      local.set 8
      local.get 2
      i32.const 16
      i32.mul
      local.get 8
      i32.add
      local.set 8
      local.get 8
      local.get 15
      i32.store offset=24000
      i32.const 4
      local.set 8
      local.get 2
      i32.const 16
      i32.mul
      local.get 8
      i32.add
      i32.load offset=24000
      local.set 29
      local.get 29
      local.set 16
      i32.const 0
      local.set 8
      local.get 8
      local.set 8
      local.get 8
      local.get 16
      i32.store offset=40448
      i32.const 0
      local.set 8
      local.get 8
      i32.load offset=40448
      local.set 30
      local.get 30
      local.set 17
      local.get 14
      local.set 7
      block ;; label = @2
        block ;; label = @3
          local.get 7
          local.get 39
          i64.sub
          i64.const 2
          i64.rotr
          local.get 40
          i64.ge_u
          i32.eqz
          br_if 0 (;@3;)
          local.get 2
          i32.const 7
          local.get 7
          call 3
          local.tee 8
          i32.const -1
          i32.eq
          if ;; label = @4
            local.get 2
            i32.const 7
            local.get 7
            call 1
            local.tee 40
            global.set 3
            local.tee 39
            global.set 2
            br 1 (;@3;)
          end
          local.get 8
          i32.load
          local.set 31
          br 1 (;@2;)
        end
        local.get 7
        i32.wrap_i64
        i32.load 1
        local.set 31
      end
      local.get 31
      local.set 18
      local.get 17
      local.get 18
      i32.add
      local.set 32
      local.get 32
      local.set 19
      local.get 13
      local.set 7
      local.get 7
      local.get 41
      i64.sub
      i64.const 2
      i64.rotr
      local.get 42
      i64.ge_u
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 8
        local.get 7
        call 1
        local.tee 42
        global.set 5
        local.tee 41
        global.set 4
      end
      local.get 7
      i32.wrap_i64
      local.set 8
      local.get 8
      local.get 19
      i32.store 1
      local.get 9
      i32.const 0
      i32.lt_s
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 2
        i32.shl
        i32.const -1
        i32.store offset=384
      end
      br 0 (;@1;)
    end
    unreachable
  )
