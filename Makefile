# The targets that people use: make (build), make test, make agents.

# The platforms of targets that gorun carries an agent for: OS_ARCH.
AGENTS = linux_amd64 linux_arm64 linux_arm linux_386 linux_riscv64 linux_ppc64le linux_s390x freebsd_amd64 freebsd_arm64 darwin_amd64 darwin_arm64
AGENT_DIR = engine/transport/agentbin/bin
GOFLAGS_RELEASE = -trimpath -ldflags "-s -w"
# Agents are small before they are quick: without inlining they are a tenth
# smaller and a few per cent slower; no module needs HTTP/2.
GOFLAGS_AGENT = $(GOFLAGS_RELEASE) -gcflags=all=-l -tags nethttpomithttp2

.PHONY: build agents cluster test e2e e2e-article vet fmt bench bench-templates bench-go clean

# gorun with the agents in it.
build: agents
	CGO_ENABLED=0 go build $(GOFLAGS_RELEASE) -o bin/gorun ./cmd/gorun
	CGO_ENABLED=0 go build $(GOFLAGS_RELEASE) -o bin/gorun-lab ./cmd/gorun-lab

# Every agent is named by its SHA-256, by which hosts keep it. It is packed by
# xz, behind a filter for the machine code where even old versions of xz have one,
# and by gzip where this machine has no xz.
agents: $(addprefix agent-,$(AGENTS))

XZ_FILTER_amd64 = --x86
XZ_FILTER_386 = --x86
XZ_FILTER_arm = --arm

agent-%:
	@mkdir -p $(AGENT_DIR)
	@set -e; os=$(word 1,$(subst _, ,$*)); arch=$(word 2,$(subst _, ,$*)); new=$(AGENT_DIR)/.new-$*; \
	CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch GOARM=6 go build $(GOFLAGS_AGENT) -o $$new ./cmd/gorun-agent; \
	if command -v xz >/dev/null; then form=xz; pack="xz -T1 $(XZ_FILTER_$(word 2,$(subst _, ,$*))) --lzma2=preset=6,dict=16MiB -c"; else form=gz; pack="gzip -9nc"; fi; \
	sum=$$(sha256sum <$$new | cut -d' ' -f1); file=$(AGENT_DIR)/agent_$*_$$sum.$$form; \
	if [ ! -e $$file ]; then rm -f $(AGENT_DIR)/agent_$*_*; $$pack <$$new >$$file.tmp; mv $$file.tmp $$file; fi; \
	echo "agent $*: $$(wc -c <$$new) bytes, $$(wc -c <$$file) packed"; rm -f $$new

# The main job: a cloud, six hosts made through its API, and the cluster on them.
cluster:
	bash .ci/install lab
	$(MAKE) build AGENTS=linux_$$(go env GOARCH)
	bin/gorun-lab up
	set -e; eval "$$(bin/gorun-lab env)"; bin/gorun playbooks/site.yml -i playbooks/hosts
	@echo
	@echo 'The cluster is up: http://10.107.244.200/site/ from this machine. To look around:'
	@echo '    bin/gorun-lab status'
	@echo '    bin/gorun-lab ssh ansible-cluster-db1'
	@echo '    bin/gorun-lab kill NL1     # a whole zone; bin/gorun-lab boot NL1 brings it back'
	@echo '    eval "$$(bin/gorun-lab env)"; bin/gorun playbooks/site.yml -i playbooks/hosts   # again'
	@echo 'To take it all down:  bin/gorun-lab down'

# As root on Debian it installs what the tests compare with; elsewhere tests
# say what they skip and why.
test:
	bash .ci/install test || echo "going on without"
	go test -timeout 40m ./...

# The cluster in a lab: built, run again, checked, broken and healed; and five
# role trees compared with what ansible-playbook made of them.
e2e:
	bash .ci/install lab
	go test -tags e2e -count 1 -timeout 40m -v -run 'TestCluster|TestRoles' ./cmd/gorun-lab

# The article's playbook as printed.
e2e-article:
	bash .ci/install lab
	go test -tags e2e -count 1 -timeout 30m -v -run TestArticle ./cmd/gorun-lab

vet:
	go vet ./...

fmt:
	gofmt -l -w cmd engine internal modules templates vars

# The playbooks of testdata/bench under gorun, shell scripts, ansible with
# mitogen and ansible, on hosts of a lab; quick: make bench BENCH_RUNS=1, or with
# BENCH_ARGS="-once 60s -limit 40m": no second run of what took a minute, and an
# end after 40, with what has been measured. Ansible alone takes an hour for all.
BENCH_RUNS = 3
BENCH_ARGS =
bench:
	bash .ci/install bench
	$(MAKE) build AGENTS=linux_$$(go env GOARCH)
	go run ./testdata/bench/run -runs $(BENCH_RUNS) $(BENCH_ARGS) -out testdata/bench/results/last.md

# gorun's templates beside Jinja2's, pongo2's and gonja's.
bench-templates:
	cd testdata/bench/templates && go run . -out ../results/templates.md

bench-go:
	go test -run '^$$' -bench . ./engine/... ./modules/... ./templates/...

clean:
	rm -rf bin $(AGENT_DIR)/agent_*
