;; scalar_kernel
;; function "run"
  (func (;6;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i64 i64 i32 i32 i32 i32 i32 i32 i32 i64 i32 i64 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i64 i64 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    i32.const 0
    i64.load offset=256
    local.set 38
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 39
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 40
    global.get 0
    local.set 41
    global.get 1
    local.set 42
    global.get 2
    local.set 43
    global.get 3
    local.set 44
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
            i32.load offset=320
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
      local.get 38
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
        i32.const 1
        local.get 7
        call 1
        local.tee 42
        global.set 1
        local.tee 41
        global.set 0
      end
      local.get 7
      i32.wrap_i64
      i32.load 1
      local.set 26
      local.get 26
      local.set 14
      local.get 11
      i32.const 0
      i32.eq
      local.set 27
      i32.const 1
      local.get 11
      local.get 27
      select
      local.set 28
      local.get 14
      local.get 28
      i32.div_u
      local.set 29
      i32.const -1
      local.get 29
      local.get 27
      select
      local.set 30
      local.get 30
      local.set 15
      local.get 11
      i32.const 0
      i32.eq
      local.set 31
      i32.const 1
      local.get 11
      local.get 31
      select
      local.set 32
      local.get 14
      local.get 32
      i32.rem_u
      local.set 33
      local.get 14
      local.get 33
      local.get 31
      select
      local.set 34
      local.get 34
      local.set 16
      local.get 10
      local.set 7
      local.get 7
      local.get 43
      i64.sub
      i64.const 2
      i64.rotr
      local.get 44
      i64.ge_u
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 2
        local.get 7
        call 1
        local.tee 44
        global.set 3
        local.tee 43
        global.set 2
      end
      local.get 7
      i32.wrap_i64
      local.get 15
      i32.atomic.rmw.xor 1
      local.set 45
      local.get 45
      local.set 35
      local.get 10
      i64.const 4
      i64.add
      local.set 7
      local.get 7
      local.get 43
      i64.sub
      i64.const 2
      i64.rotr
      local.get 44
      i64.ge_u
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 3
        local.get 7
        call 1
        local.tee 44
        global.set 3
        local.tee 43
        global.set 2
      end
      local.get 7
      i32.wrap_i64
      local.get 16
      i32.atomic.rmw.add 1
      local.set 48
      local.get 48
      local.set 36
      local.get 36
      local.set 18
      local.get 10
      i64.const 8
      i64.add
      local.set 7
      local.get 7
      local.get 43
      i64.sub
      i64.const 2
      i64.rotr
      local.get 44
      i64.ge_u
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 4
        local.get 7
        call 1
        local.tee 44
        global.set 3
        local.tee 43
        global.set 2
      end
      local.get 7
      i32.wrap_i64
      local.get 18
      i32.atomic.rmw.and 1
      local.set 51
      local.get 51
      local.set 37
      local.get 9
      i32.const 0
      i32.lt_s
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 2
        i32.const 2
        i32.shl
        i32.const -1
        i32.store offset=320
      end
      br 0 (;@1;)
    end
    unreachable
  )
