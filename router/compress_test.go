package router

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
)

// answered is what a client that takes gzip gets from the handler.
func answered(h gin.HandlerFunc) *httptest.ResponseRecorder {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.Use(Options{Log: slog.New(slog.DiscardHandler)}.recover, compress)
	g.GET("/", func(c *gin.Context) {
		c.Header("Content-Type", "text/html; charset=utf-8")
		h(c)
	})
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestAFaultInTheMiddleOfAnAnswerIsAWholeProblem(t *testing.T) {
	t.Parallel()
	w := answered(func(c *gin.Context) {
		c.String(http.StatusOK, strings.Repeat("half ", 500))
		panic(errors.New("in the middle"))
	})
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Empty(t, w.Header().Get("Content-Encoding"))
	require.NotContains(t, w.Body.String(), "half")
	require.Contains(t, w.Body.String(), `"code":"internal"`)
}

func TestWhatIsTooLongToHoldOrFlushedIsSentAsItComes(t *testing.T) {
	t.Parallel()
	part := strings.Repeat("六要素 ", 10_000)
	long := answered(func(c *gin.Context) {
		for range 20 {
			_, _ = c.Writer.WriteString(part)
		}
	})
	require.Empty(t, long.Header().Get("Content-Encoding"))
	require.Equal(t, strings.Repeat(part, 20), long.Body.String())
	flushed := answered(func(c *gin.Context) {
		_, _ = c.Writer.WriteString(part)
		c.Writer.Flush()
		_, _ = c.Writer.WriteString(part)
	})
	require.Empty(t, flushed.Header().Get("Content-Encoding"))
	require.Equal(t, part+part, flushed.Body.String())
}

func TestManyWritesArePackedAsOne(t *testing.T) {
	t.Parallel()
	w := answered(func(c *gin.Context) {
		for range 100 {
			_, _ = c.Writer.WriteString("六要素 人地事物情组织 ")
		}
	})
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	require.Less(t, w.Body.Len(), 300)
}
