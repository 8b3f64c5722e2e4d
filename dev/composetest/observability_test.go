package composetest

import (
	"encoding/json"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

type prometheusConfig struct {
	RuleFiles     []string `yaml:"rule_files"`
	ScrapeConfigs []struct {
		JobName       string                       `yaml:"job_name"`
		StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

func prometheus(t *testing.T) prometheusConfig {
	var c prometheusConfig
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/prometheus/prometheus.yml")), &c))
	require.NotEmpty(t, c.ScrapeConfigs)
	return c
}

func TestPrometheus_Targets_AreServicesThatListenThere(t *testing.T) {
	p := project(t)
	scraper, err := p.GetService("prometheus")
	require.NoError(t, err)
	listen := map[string]string{"worker": "METRICS_LISTEN", "webhookbridge": "WEBHOOK_LISTEN", "temporal": "PROMETHEUS_ENDPOINT"}
	for _, job := range prometheus(t).ScrapeConfigs {
		for _, s := range job.StaticConfigs {
			for _, target := range s.Targets {
				host, port, err := net.SplitHostPort(target)
				require.NoError(t, err)
				require.Equal(t, job.JobName, host)
				service, err := p.GetService(host)
				require.NoError(t, err)
				_, listens, err := net.SplitHostPort(environment(service)[listen[host]])
				require.NoError(t, err, host)
				require.Equal(t, listens, port, host)
				require.True(t, shareNetwork(scraper, service), host)
			}
		}
	}
}

// sdkMetrics are the metrics of Temporal's Go SDK that may be asked for, as they are named in Prometheus: counters with
// _total, latencies with _seconds and what histograms add to it.
var sdkMetrics = regexp.MustCompile(`^temporal_(` +
	`num_pollers|worker_task_slots_(available|used)|sticky_cache_size|` +
	`(workflow_(completed|failed|canceled|continue_as_new|task_execution_failed|task_queue_poll_(empty|succeed))|` +
	`activity_(execution_failed|task_error)|corrupted_signals|(long_)?request(_failure|_resource_exhausted)?)_total|` +
	`(workflow_(endtoend|task_(schedule_to_start|execution|replay))_latency|activity_(schedule_to_start|execution|succeed_endtoend)_latency|` +
	`(long_)?request_latency)_seconds_(bucket|sum|count))$`)

var (
	metricName = regexp.MustCompile(`\btemporal_[a-z_]+`)
	jobName    = regexp.MustCompile(`job=~?"([^"]+)"`)
)

func requireKnownMetrics(t *testing.T, expression string) {
	t.Helper()
	for _, name := range metricName.FindAllString(expression, -1) {
		require.Regexp(t, sdkMetrics, name, expression)
	}
	jobs := map[string]bool{}
	for _, job := range prometheus(t).ScrapeConfigs {
		jobs[job.JobName] = true
	}
	for _, found := range jobName.FindAllStringSubmatch(expression, -1) {
		for _, job := range strings.Split(found[1], "|") {
			require.True(t, jobs[job], "nothing is scraped as job %s: %s", job, expression)
		}
	}
	require.Equal(t, strings.Count(expression, "("), strings.Count(expression, ")"), expression)
}

func TestAlerts_AskForMetricsThatExistAndSayWhatToDo(t *testing.T) {
	for _, file := range prometheus(t).RuleFiles {
		var rules struct {
			Groups []struct {
				Rules []struct {
					Alert, Expr         string
					Labels, Annotations map[string]string
				}
			}
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/prometheus/"+file)), &rules))
		require.NotEmpty(t, rules.Groups)
		for _, g := range rules.Groups {
			require.NotEmpty(t, g.Rules)
			for _, r := range g.Rules {
				require.NotEmpty(t, r.Alert)
				requireKnownMetrics(t, r.Expr)
				require.Contains(t, []string{"page", "ticket"}, r.Labels["severity"], r.Alert)
				require.NotEmpty(t, r.Annotations["summary"], r.Alert)
				require.NotEmpty(t, r.Annotations["description"], r.Alert)
			}
		}
	}
}

func TestGrafana_Provisioning_FitsTogether(t *testing.T) {
	p := project(t)
	var sources struct {
		Datasources []struct{ UID, URL string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/grafana/provisioning/datasources/prometheus.yaml")), &sources))
	require.Len(t, sources.Datasources, 1)
	host, _, err := net.SplitHostPort(strings.TrimPrefix(sources.Datasources[0].URL, "http://"))
	require.NoError(t, err)
	_, err = p.GetService(host)
	require.NoError(t, err)

	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/grafana/provisioning/dashboards/onboarding.yaml")), &providers))
	require.Len(t, providers.Providers, 1)
	grafana, err := p.GetService("grafana")
	require.NoError(t, err)
	var mounted string
	for _, v := range grafana.Volumes {
		if v.Target == providers.Providers[0].Options.Path {
			mounted = v.Source
		}
	}
	dashboards, err := filepath.Glob(filepath.Join(mounted, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, dashboards, "no dashboard is mounted at %s", providers.Providers[0].Options.Path)
	for _, path := range dashboards {
		var d struct {
			UID, Title string
			Panels     []struct {
				Title      string
				Datasource struct{ UID string }
				Targets    []struct{ Expr string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(read(t, "deploy/grafana/dashboards/"+filepath.Base(path))), &d))
		require.NotEmpty(t, d.UID)
		require.NotEmpty(t, d.Panels)
		for _, panel := range d.Panels {
			require.Equal(t, sources.Datasources[0].UID, panel.Datasource.UID, panel.Title)
			require.NotEmpty(t, panel.Targets, panel.Title)
			for _, target := range panel.Targets {
				requireKnownMetrics(t, target.Expr)
			}
		}
	}
}
