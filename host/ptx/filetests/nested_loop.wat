;; nested_loop
;; function "run"
  (func (;6;) (type 6) (param i32 i32) (result i32)
    (local i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i64 i64 i32 i32 i32 i32 i32 i32 i32 i64 i32 i64 i64 i64 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i64 i64)
    i32.const 0
    i64.load offset=256
    local.set 32
    i32.const 0
    i32.load offset=264
    local.set 33
    i32.const 0
    i32.load offset=84
    local.set 9
    i32.const 0
    i32.load offset=76
    i32.const 2
    i32.shr_u
    local.set 34
    i32.const 0
    i32.load offset=76
    i32.const 3
    i32.shr_u
    local.set 35
    global.get 0
    local.set 36
    global.get 1
    local.set 37
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
        block ;; label = @3
          block ;; label = @4
            loop ;; label = @5
              local.get 2
              i32.const 1
              i32.add
              local.tee 2
              local.get 1
              i32.ge_s
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
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
                if ;; label = @7
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
                  if ;; label = @8
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
                    if ;; label = @9
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
                  br 2 (;@5;)
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
              if ;; label = @6
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
                if ;; label = @7
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
              if ;; label = @6
                local.get 2
                i32.const 2
                i32.shl
                i32.load offset=320
                local.tee 6
                i32.const 0
                i32.lt_s
                br_if 1 (;@5;)
              end
            end
            local.get 6
            i32.const 1073741823
            i32.and
            local.tee 6
            i32.eqz
            br_if 1 (;@3;)
            local.get 6
            br_table 1 (;@3;) 0 (;@4;) 2 (;@2;)
          end
          local.get 2
          i32.const 2
          i32.shl
          i32.load offset=23936
          local.set 15
          local.get 2
          i32.const 2
          i32.shl
          i32.load offset=28096
          local.set 16
          local.get 2
          i32.const 2
          i32.shl
          i32.load offset=32256
          local.set 14
          local.get 2
          i32.const 3
          i32.shl
          i64.load offset=36416
          local.set 13
          i32.const 0
          local.set 6
          br 1 (;@2;)
        end
        i32.const 0
        local.set 6
        local.get 32
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
        i32.const 0
        local.set 15
        i32.const 0
        local.set 16
        br 0 (;@2;)
      end
      loop ;; label = @2
        block ;; label = @3
          block ;; label = @4
            local.get 6
            i32.eqz
            if ;; label = @5
              i32.const 0
              i32.atomic.load offset=1114112
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
                local.get 2
                i32.const 2
                i32.shl
                local.get 15
                i32.store offset=23936
                local.get 2
                i32.const 2
                i32.shl
                local.get 16
                i32.store offset=28096
                local.get 2
                i32.const 2
                i32.shl
                local.get 14
                i32.store offset=32256
                local.get 2
                i32.const 3
                i32.shl
                local.get 13
                i64.store offset=36416
                local.get 2
                i32.const 2
                i32.shl
                i32.const 1073741825
                i32.store offset=320
                local.get 2
                return
              end
              i32.const 0
              local.set 17
              br 2 (;@3;)
            else
              local.get 6
              br_table 1 (;@4;) 1 (;@4;) 1 (;@4;)
            end
          end
          local.get 2
          i32.const 2
          i32.shl
          i32.load offset=23936
          local.set 15
          local.get 2
          i32.const 2
          i32.shl
          i32.load offset=44672
          local.set 17
          local.get 2
          i32.const 2
          i32.shl
          i32.load offset=28096
          local.set 16
          local.get 2
          i32.const 2
          i32.shl
          i32.load offset=32256
          local.set 14
          local.get 2
          i32.const 3
          i32.shl
          i64.load offset=36416
          local.set 13
          i32.const 0
          local.set 6
          br 0 (;@3;)
        end
        loop ;; label = @3
          i32.const 0
          i32.atomic.load offset=1114112
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            local.get 2
            i32.const 2
            i32.shl
            local.get 15
            i32.store offset=23936
            local.get 2
            i32.const 2
            i32.shl
            local.get 17
            i32.store offset=44672
            local.get 2
            i32.const 2
            i32.shl
            local.get 16
            i32.store offset=28096
            local.get 2
            i32.const 2
            i32.shl
            local.get 14
            i32.store offset=32256
            local.get 2
            i32.const 3
            i32.shl
            local.get 13
            i64.store offset=36416
            local.get 2
            i32.const 2
            i32.shl
            i32.const 1073741826
            i32.store offset=320
            local.get 2
            return
          end
          local.get 15
          local.get 17
          i32.add
          local.set 27
          local.get 27
          local.set 15
          local.get 17
          i32.const 1
          i32.add
          local.set 28
          local.get 28
          local.set 17
          local.get 17
          local.get 16
          i32.lt_u
          local.set 29
          local.get 29
          local.set 18
          local.get 18
          if ;; label = @4
            br 1 (;@3;)
          else
            local.get 16
            i32.const 1
            i32.add
            local.set 30
            local.get 30
            local.set 16
            local.get 16
            local.get 14
            i32.lt_u
            local.set 31
            local.get 31
            local.set 19
            local.get 19
            if ;; label = @5
              br 3 (;@2;)
            else
              local.get 13
              local.set 7
              local.get 7
              local.get 36
              i64.sub
              i64.const 2
              i64.rotr
              local.get 37
              i64.ge_u
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
                local.get 2
                i32.const 2
                local.get 7
                call 1
                local.tee 37
                global.set 1
                local.tee 36
                global.set 0
              end
              local.get 7
              i32.wrap_i64
              local.set 8
              local.get 8
              local.get 15
              i32.store 1
              local.get 9
              i32.const 0
              i32.lt_s
              (@metadata.code.branch_hint "\00")
              if ;; label = @6
                local.get 2
                i32.const 2
                i32.shl
                i32.const -1
                i32.store offset=320
              end
              br 4 (;@1;)
            end
          end
        end
      end
    end
    unreachable
  )
