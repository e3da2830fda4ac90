package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2/validation"

	"sixelements/model"
)

type text struct {
	status        int
	title, detail string
}

// catalogue holds the status and the Chinese of every problem code. Titles say what happened, details what to do.
var catalogue = map[model.Code]text{
	model.AuthRequired:          {http.StatusUnauthorized, "请先登录", "请登录后再试。"},
	model.AuthInvalid:           {http.StatusUnauthorized, "登录没有成功", "账号、密码或验证码不对，请核对后再试。"},
	model.AuthExpired:           {http.StatusUnauthorized, "登录已过期", "请重新登录。填写的内容还在。"},
	model.RoleForbidden:         {http.StatusForbidden, "没有权限", "您的身份不能做这件事。需要的话请联系社区。"},
	model.ConsentRequired:       {http.StatusForbidden, "请先阅读并同意告知书", "同意后就可以填报。"},
	model.ConsentSensitive:      {http.StatusForbidden, "需要单独同意", "您填写了敏感信息，请先单独同意，或者不填这一项。"},
	model.SelfVerify:            {http.StatusForbidden, "不能核实自己填报的内容", "请由另一位工作人员核实，或上门复核。"},
	model.SelfClose:             {http.StatusForbidden, "不能给自己处置的事件结案", "请由另一位工作人员核查后结案。"},
	model.NotFound:              {http.StatusNotFound, "没有找到", "内容不存在，或者不在您的范围内。"},
	model.QRUnknown:             {http.StatusNotFound, "没有这个二维码", "请扫楼门口张贴的二维码，或核对输入的编号。"},
	model.MethodNotAllowed:      {http.StatusMethodNotAllowed, "不支持这种请求", "请核对请求方法。"},
	model.IDConflict:            {http.StatusConflict, "编号已被使用", "请换一个编号重新提交。"},
	model.NotAllowed:            {http.StatusConflict, "现在不能做这一步", "内容的状态已经变了，请刷新后再看。"},
	model.AreaNotEmpty:          {http.StatusConflict, "区域里还有内容", "请先移走里面的楼栋、下级区域和记录。"},
	model.Conflict:              {http.StatusConflict, "已经有了", "同样的内容已经存在，请核对。"},
	model.QRRevoked:             {http.StatusGone, "这个二维码已停用", "请扫楼门口新的二维码，或联系社区。"},
	model.Stale:                 {http.StatusPreconditionFailed, "内容已被别人改过", "请看过最新内容后再提交。您填写的还在。"},
	model.TooLarge:              {http.StatusRequestEntityTooLarge, "内容太大", "请减少内容，照片每张不超过 10 MB。"},
	model.MediaUnsupported:      {http.StatusUnsupportedMediaType, "格式不支持", "请上传 JPG、PNG 或 WebP 照片；接口请用 JSON。"},
	model.Invalid:               {http.StatusUnprocessableEntity, "有内容需要改", "请按提示改好后再提交。"},
	model.QRRequired:            {http.StatusUnprocessableEntity, "请先扫码", "请扫楼门口的二维码后填报。"},
	model.PlaceRequired:         {http.StatusUnprocessableEntity, "请说明在哪里", "请选择您范围内的楼栋，或至少到社区的区域。"},
	model.FieldUnknown:          {http.StatusUnprocessableEntity, "没有这个字段", "请核对字段名。"},
	model.FieldMasked:           {http.StatusUnprocessableEntity, "隐去的内容不能提交", "没有改动的内容请不要提交。"},
	model.SearchUsePost:         {http.StatusUnprocessableEntity, "号码不能放在网址里", "请用号码查询功能。"},
	model.AttachmentUnknown:     {http.StatusUnprocessableEntity, "照片用不了", "请重新上传照片。"},
	model.LinkUnknown:           {http.StatusUnprocessableEntity, "关联的内容用不了", "请重新选择关联的内容。"},
	model.AuthLocked:            {http.StatusLocked, "账号已暂时锁定", "密码错误次数太多，请 15 分钟后再试。"},
	model.DependencyFailed:      {http.StatusFailedDependency, "前一项没有成功", "请先处理前一项，再提交这一项。"},
	model.PreconditionRequired:  {http.StatusPreconditionRequired, "缺少版本", "请带上 If-Match，值是上次得到的 ETag。"},
	model.RateLimited:           {http.StatusTooManyRequests, "操作太频繁", "请稍等一会儿再试。"},
	model.Malformed:             {http.StatusBadRequest, "请求的格式不对", "请发送正确的 JSON。"},
	model.PreconditionMalformed: {http.StatusBadRequest, "版本的格式不对", "If-Match 的值应是上次得到的 ETag。"},
	model.Internal:              {http.StatusInternalServerError, "系统出了点问题", "我们已经记下。请稍后再试。"},
	model.Busy:                  {http.StatusServiceUnavailable, "系统正忙", "请稍后再试，内容没有丢。"},
}

const (
	missing    = "缺少 "
	unexpected = "没有这个字段"
)

// speakChinese sets what huma says of a request's shape; it must run before the first operation is registered.
func speakChinese() {
	validation.MsgUnexpectedProperty = unexpected
	validation.MsgExpectedRequiredProperty = missing + "%s"
	validation.MsgExpectedRFC3339DateTime = "请填写时间，例如 2026-05-01T08:30:00+08:00"
	validation.MsgExpectedRFC3339Date = "请填写日期，例如 2026-05-01"
	validation.MsgExpectedBoolean = "请选择是或否"
	validation.MsgExpectedNumber = "请填写数字"
	validation.MsgExpectedInteger = "请填写整数"
	validation.MsgExpectedString = "请填写文字"
	validation.MsgExpectedArray = "应是一个列表"
	validation.MsgExpectedObject = "应是一个对象"
	validation.MsgExpectedOneOf = "只能是这些值之一：%s"
	validation.MsgExpectedMinimumNumber = "不能小于 %v"
	validation.MsgExpectedMaximumNumber = "不能大于 %v"
	validation.MsgExpectedMinLength = "太短，至少 %d 个字"
	validation.MsgExpectedMaxLength = "太长，最多 %d 个字"
	validation.MsgExpectedMinItems = "太少，至少 %d 项"
	validation.MsgExpectedMaxItems = "太多，最多 %d 项"
	validation.MsgExpectedRFC4122UUID = "编号的格式不对%.0s"
}
